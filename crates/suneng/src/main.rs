//! `suneng`, the program.

/// Many threads ask it at once without waiting for each other: thousands of small requests a second cost less with it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    suneng::cli::main()
}

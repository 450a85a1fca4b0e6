//! `suneng`, the program.

fn main() -> std::process::ExitCode {
    suneng::cli::main()
}

//! Functions that are the same byte for byte are kept once: the generic code of requests and databases repeats itself.
fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo:rustc-link-arg-bins=-Wl,--icf=all");
    }
}

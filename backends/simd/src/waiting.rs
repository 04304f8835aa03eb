//! Waiting for other threads while a batch runs: it is over too soon to go to sleep for.

/// How often a thread looks before it lets others run: some ten microseconds' worth.
const LOOKS: u32 = 1000;

/// Returns when `is_so`, which other threads are about to make so.
pub(crate) fn wait_until(is_so: impl Fn() -> bool) {
    let mut looks = 0;
    while !is_so() {
        if looks < LOOKS {
            looks += 1;
            std::hint::spin_loop();
        } else {
            std::thread::yield_now();
        }
    }
}

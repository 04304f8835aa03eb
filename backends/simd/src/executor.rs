//! Runs a plan: images through its waves, on several threads.
//!
//! Every thread owns a share of each wave's tasks, takes them one by one by counting up, and then helps
//! with the shares of the others. A wave is over when the number of finished tasks is the number of
//! tasks it has, so a thread that has not taken a task keeps no other waiting. While there are at least as
//! many images as threads, each thread takes whole images instead, with an arena of its own, and waits
//! for nothing.
#![expect(unsafe_code, reason = "steps write to memory that the plan keeps apart")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::PoisonError;
use std::time::Instant;

use framegate_backend_api::panic_message;

use crate::memory::{AlignedCells, Buffers, Cell};
use crate::plan::{Location, Plan, Task};
use crate::profile::Recorder;
use crate::spin::spin_until;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Mutex, MutexGuard, RwLock};

/// A plan, its memory, and the threads' progress through a batch.
pub(crate) struct Executor {
    plan: Plan,
    threads: usize,
    /// One per thread. The buffers below point into them.
    arenas: Vec<AlignedCells>,
    io: RwLock<Io>,
    /// By thread, for images that a thread takes whole.
    own: Vec<Mutex<Buffers>>,
    /// By thread, for what a task needs only while it runs.
    scratches: Vec<Mutex<AlignedCells>>,
    /// For the images that all threads share, by index among these; all in the first arena.
    shared: Vec<RwLock<Buffers>>,
    whole: Whole,
    /// Of the images that all threads share, by image and wave.
    progress: Vec<Vec<Progress>>,
    images: AtomicUsize,
    failure: Mutex<Option<String>>,
    pub(crate) recorder: Recorder,
}

/// A batch's input and outputs in the caller's memory.
#[derive(Debug, Default)]
pub(crate) struct Io {
    /// The first image.
    pub(crate) input: SharedPointer,
    /// Elements per image.
    pub(crate) input_len: usize,
    /// By output: its start, and its elements per image.
    pub(crate) outputs: Vec<(SharedPointer, usize)>,
}

/// A pointer that other threads may use while a batch runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SharedPointer(pub(crate) *mut f32);

// SAFETY: the caller of `Executor::work` promises that nothing else touches the memory until every
// thread has returned, and by then none uses the pointer any more.
unsafe impl Send for SharedPointer {}
// SAFETY: as above.
unsafe impl Sync for SharedPointer {}

impl Default for SharedPointer {
    fn default() -> Self {
        Self(std::ptr::null_mut())
    }
}

/// Counts the images that threads take whole.
#[derive(Debug, Default)]
struct Whole {
    count: AtomicUsize,
    taken: AtomicUsize,
    done: AtomicUsize,
}

/// How far the threads are with a wave of an image.
#[derive(Debug)]
struct Progress {
    /// By share.
    taken: Vec<Counter>,
    done: Counter,
}

/// On a cache line of its own, because other threads keep writing to its neighbours.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Counter(AtomicUsize);

impl Progress {
    fn new(shares: usize) -> Self {
        Self { taken: (0..shares).map(|_| Counter::default()).collect(), done: Counter::default() }
    }

    fn reset(&self) {
        for counter in self.taken.iter().chain([&self.done]) {
            counter.0.store(0, Ordering::Relaxed);
        }
    }
}

impl Executor {
    /// For batches of up to `max_batch` images on `threads` threads.
    pub(crate) fn new(plan: Plan, threads: usize, max_batch: usize) -> Self {
        // Threads that never take a whole image need no arena of their own.
        let arenas = if threads <= max_batch { threads } else { 1 };
        let mut arenas: Vec<AlignedCells> =
            (0..arenas).map(|_| AlignedCells::new(plan.arena_cells())).collect();
        let own = arenas.iter_mut().map(|arena| Mutex::new(buffers(&plan, arena))).collect();
        let shared = (0..max_batch).map(|_| RwLock::new(buffers(&plan, &mut arenas[0]))).collect();
        let scratch_cells = plan.scratch_cells();
        let progress = || plan.waves.iter().map(|shares| Progress::new(shares.len())).collect();
        Self {
            io: RwLock::default(),
            own,
            scratches: (0..threads).map(|_| Mutex::new(AlignedCells::new(scratch_cells))).collect(),
            shared,
            whole: Whole::default(),
            progress: (0..max_batch).map(|_| progress()).collect(),
            images: AtomicUsize::new(0),
            failure: Mutex::default(),
            recorder: Recorder::new(plan.steps.len()),
            arenas,
            threads,
            plan,
        }
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Bytes of all memory that a running batch writes to, besides the caller's.
    pub(crate) fn arena_bytes(&self) -> usize {
        let scratches = self.scratches.iter().map(|scratch| lock(scratch).bytes());
        self.arenas.iter().map(AlignedCells::bytes).chain(scratches).sum()
    }

    /// Sets up the next batch. No thread may be in [`Executor::work`].
    pub(crate) fn prepare(&self, io: impl FnOnce(&mut Io), images: usize) {
        let mut current = self.io.write().unwrap_or_else(PoisonError::into_inner);
        io(&mut current);
        let whole = images / self.threads * self.threads;
        self.images.store(images, Ordering::Relaxed);
        self.whole.count.store(whole, Ordering::Relaxed);
        self.whole.taken.store(0, Ordering::Relaxed);
        self.whole.done.store(0, Ordering::Relaxed);
        for (index, image) in (whole..images).enumerate() {
            for wave in &self.progress[index] {
                wave.reset();
            }
            let mut buffers = self.shared[index].write().unwrap_or_else(PoisonError::into_inner);
            self.point(&mut buffers, &current, image);
        }
    }

    /// Works on the batch until it is done, together with every other thread that calls this.
    ///
    /// # Safety
    /// From [`Executor::prepare`] until the last thread has returned, the memory named there is neither
    /// freed nor touched by anything else.
    pub(crate) unsafe fn work(&self, thread: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            let mut scratch = lock(&self.scratches[thread]);
            let scratch = scratch.as_mut_ptr();
            if let Some(own) = self.own.get(thread) {
                self.work_alone(&mut lock(own), scratch);
            }
            let whole = self.whole.count.load(Ordering::Relaxed);
            spin_until(|| self.whole.done.load(Ordering::Acquire) == whole);
            for index in 0..self.images.load(Ordering::Relaxed) - whole {
                let buffers = self.shared[index].read().unwrap_or_else(PoisonError::into_inner);
                self.work_together(thread, &self.progress[index], &buffers, scratch);
            }
        }
    }

    /// What went wrong since the last call.
    pub(crate) fn take_failure(&self) -> Option<String> {
        lock(&self.failure).take()
    }

    unsafe fn work_alone(&self, buffers: &mut Buffers, scratch: *mut Cell) {
        let io = self.io.read().unwrap_or_else(PoisonError::into_inner);
        let whole = self.whole.count.load(Ordering::Relaxed);
        loop {
            let image = self.whole.taken.fetch_add(1, Ordering::Relaxed);
            if image >= whole {
                return;
            }
            self.point(buffers, &io, image);
            for task in self.plan.waves.iter().flatten().flatten() {
                // SAFETY: the caller's promise; waves run in order, in an arena of this thread's own.
                unsafe { self.run(*task, buffers, scratch) };
            }
            self.whole.done.fetch_add(1, Ordering::Release);
        }
    }

    unsafe fn work_together(
        &self,
        thread: usize,
        progress: &[Progress],
        buffers: &Buffers,
        scratch: *mut Cell,
    ) {
        for (shares, progress) in self.plan.waves.iter().zip(progress) {
            // This thread's share first, then the others'.
            for index in (0..shares.len()).map(|next| (thread + next) % shares.len()) {
                let (share, taken) = (&shares[index], &progress.taken[index].0);
                while let Some(task) = share.get(taken.fetch_add(1, Ordering::Relaxed)) {
                    // SAFETY: the caller's promise; each task is taken once, and what it reads was
                    // written in earlier waves, which are over.
                    unsafe { self.run(*task, buffers, scratch) };
                    progress.done.0.fetch_add(1, Ordering::Release);
                }
            }
            let tasks: usize = shares.iter().map(Vec::len).sum();
            spin_until(|| progress.done.0.load(Ordering::Acquire) == tasks);
        }
    }

    unsafe fn run(&self, task: Task, buffers: &Buffers, scratch: *mut Cell) {
        let step = &self.plan.steps[task.step].step;
        let started = self.recorder.is_on().then(Instant::now);
        // A panic must not keep the other threads waiting for this task.
        // SAFETY: the caller's promise.
        let outcome =
            catch_unwind(AssertUnwindSafe(|| unsafe { step.run(task.index, buffers, scratch) }));
        if let Err(payload) = outcome {
            *lock(&self.failure) = Some(panic_message(payload.as_ref()).to_owned());
        }
        if let Some(started) = started {
            self.recorder.add(task.step, started.elapsed());
        }
    }

    /// Points the slots that are in the caller's memory to those of this image.
    fn point(&self, buffers: &mut Buffers, io: &Io, image: usize) {
        for (slot, location) in self.plan.locations() {
            match location {
                Location::Input => {
                    buffers.set(slot, io.input.0.wrapping_add(image * io.input_len));
                }
                Location::Output(index, start) => {
                    let (output, len) = io.outputs[index];
                    buffers.set(slot, output.0.wrapping_add(image * len + start));
                }
                Location::Arena(_) | Location::Constant(_) => {}
            }
        }
    }
}

/// Pointers into an arena and to constants: those that stay the same for every image.
fn buffers(plan: &Plan, arena: &mut AlignedCells) -> Buffers {
    let mut buffers = Buffers::new(plan.slots());
    let arena = arena.as_mut_ptr();
    for (slot, location) in plan.locations() {
        match location {
            Location::Arena(offset) => buffers.set(slot, arena.wrapping_add(offset)),
            Location::Constant(constant) => buffers.set(slot, constant.cast_mut()),
            Location::Input | Location::Output(..) => {}
        }
    }
    buffers
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

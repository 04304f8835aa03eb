//! A plan at work: images through its stages, on several threads.
//!
//! Every thread has a share of a stage's tasks, takes them by counting up, and then helps the others
//! with theirs: a stage is over when as many tasks are done as it has, and nobody is waited for who has
//! not taken one. While there are at least as many images as threads,
//! each thread takes whole images instead, with an arena of its own: nothing is waited for at all.
#![expect(unsafe_code, reason = "steps write to memory that the plan keeps apart")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Instant;

use framegate_backend_api::panic_message;

use crate::memory::{AlignedCells, Buffers, Cell};
use crate::plan::{Place, Plan, Task};
use crate::profile::Recorder;
use crate::waiting::wait_until;

/// A plan, its memory, and how far the threads have come.
pub(crate) struct Engine {
    plan: Plan,
    threads: usize,
    /// Kept for the buffers that point into them; one for each thread.
    arenas: Vec<AlignedCells>,
    ends: RwLock<Ends>,
    /// For whole images, by thread.
    own: Vec<Mutex<Buffers>>,
    /// For what a task needs while it runs, by thread.
    scratches: Vec<Mutex<AlignedCells>>,
    /// For images that all threads work at, by their index among these; all in the first arena.
    shared: Vec<RwLock<Buffers>>,
    whole: Whole,
    /// Of the images that all threads work at, by image and stage.
    progress: Vec<Vec<Progress>>,
    images: AtomicUsize,
    failure: Mutex<Option<String>>,
    pub(crate) recorder: Recorder,
}

/// Where a batch begins: the elements that its images and outputs have in the caller's memory.
#[derive(Debug, Default)]
pub(crate) struct Ends {
    pub(crate) input: SharedPointer,
    /// Elements of an image.
    pub(crate) input_len: usize,
    /// Start and elements for an image of each output.
    pub(crate) outputs: Vec<(SharedPointer, usize)>,
}

/// A pointer that other threads may use while a batch runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SharedPointer(pub(crate) *mut f32);

// SAFETY: `Engine::run` is promised that the memory is left alone until it returns, and by then no
// thread uses the pointer any more.
unsafe impl Send for SharedPointer {}
// SAFETY: as above.
unsafe impl Sync for SharedPointer {}

impl Default for SharedPointer {
    fn default() -> Self {
        Self(std::ptr::null_mut())
    }
}

/// Images that threads take as a whole.
#[derive(Debug, Default)]
struct Whole {
    count: AtomicUsize,
    taken: AtomicUsize,
    done: AtomicUsize,
}

/// How far a stage is.
#[derive(Debug)]
struct Progress {
    /// By share.
    taken: Vec<Counter>,
    done: Counter,
}

/// On a cache line of its own: threads write to others all the time.
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

impl Engine {
    /// An engine for batches of up to `max_batch` images on `threads` threads.
    pub(crate) fn new(plan: Plan, threads: usize, max_batch: usize) -> Self {
        // A thread without a whole image to work at needs no arena of its own.
        let lanes = if threads <= max_batch { threads } else { 1 };
        let mut arenas: Vec<AlignedCells> =
            (0..lanes).map(|_| AlignedCells::new(plan.arena_cells())).collect();
        let own = arenas.iter_mut().map(|arena| Mutex::new(buffers(&plan, arena))).collect();
        let shared = (0..max_batch).map(|_| RwLock::new(buffers(&plan, &mut arenas[0]))).collect();
        let scratch_cells = plan.scratch_cells();
        let progress = || plan.stages.iter().map(|shares| Progress::new(shares.len())).collect();
        Self {
            ends: RwLock::default(),
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

    /// Bytes that are written while a batch runs.
    pub(crate) fn arena_bytes(&self) -> usize {
        let scratches = self.scratches.iter().map(|scratch| lock(scratch).bytes());
        self.arenas.iter().map(AlignedCells::bytes).chain(scratches).sum()
    }

    /// What the next batch is. No thread may be at work.
    pub(crate) fn prepare(&self, ends: impl FnOnce(&mut Ends), images: usize) {
        let mut current = self.ends.write().unwrap_or_else(PoisonError::into_inner);
        ends(&mut current);
        let whole = images / self.threads * self.threads;
        self.images.store(images, Ordering::Relaxed);
        self.whole.count.store(whole, Ordering::Relaxed);
        self.whole.taken.store(0, Ordering::Relaxed);
        self.whole.done.store(0, Ordering::Relaxed);
        for (index, image) in (whole..images).enumerate() {
            for stage in &self.progress[index] {
                stage.reset();
            }
            let mut buffers = self.shared[index].write().unwrap_or_else(PoisonError::into_inner);
            self.point(&mut buffers, &current, image);
        }
    }

    /// Works at the batch until it is done, together with whoever else calls this.
    ///
    /// # Safety
    /// Between [`Engine::prepare`] and the last thread's return, the memory that was named there is
    /// neither freed nor touched by anyone else.
    pub(crate) unsafe fn work(&self, thread: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            let mut scratch = lock(&self.scratches[thread]);
            let scratch = scratch.as_mut_ptr();
            if let Some(own) = self.own.get(thread) {
                self.work_alone(&mut lock(own), scratch);
            }
            let whole = self.whole.count.load(Ordering::Relaxed);
            wait_until(|| self.whole.done.load(Ordering::Acquire) == whole);
            for index in 0..self.images.load(Ordering::Relaxed) - whole {
                let buffers = self.shared[index].read().unwrap_or_else(PoisonError::into_inner);
                self.work_together(thread, &self.progress[index], &buffers, scratch);
            }
        }
    }

    /// What went wrong since this was last asked.
    pub(crate) fn take_failure(&self) -> Option<String> {
        lock(&self.failure).take()
    }

    unsafe fn work_alone(&self, buffers: &mut Buffers, scratch: *mut Cell) {
        let ends = self.ends.read().unwrap_or_else(PoisonError::into_inner);
        let whole = self.whole.count.load(Ordering::Relaxed);
        loop {
            let image = self.whole.taken.fetch_add(1, Ordering::Relaxed);
            if image >= whole {
                return;
            }
            self.point(buffers, &ends, image);
            for task in self.plan.stages.iter().flatten().flatten() {
                // SAFETY: the caller's promise; stages in order, in an arena of this thread's own.
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
        for (shares, progress) in self.plan.stages.iter().zip(progress) {
            // The own share first, then the others'.
            for index in (0..shares.len()).map(|next| (thread + next) % shares.len()) {
                let (share, taken) = (&shares[index], &progress.taken[index].0);
                while let Some(task) = share.get(taken.fetch_add(1, Ordering::Relaxed)) {
                    // SAFETY: the caller's promise; each task is taken once, and all that it reads
                    // was written in stages before, which are over.
                    unsafe { self.run(*task, buffers, scratch) };
                    progress.done.0.fetch_add(1, Ordering::Release);
                }
            }
            let tasks: usize = shares.iter().map(Vec::len).sum();
            wait_until(|| progress.done.0.load(Ordering::Acquire) == tasks);
        }
    }

    unsafe fn run(&self, task: Task, buffers: &Buffers, scratch: *mut Cell) {
        let step = &self.plan.steps[task.step].step;
        let started = self.recorder.is_on().then(Instant::now);
        // A panic must not keep others waiting for this task.
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

    /// Points the slots that lie in the caller's memory to this image's.
    fn point(&self, buffers: &mut Buffers, ends: &Ends, image: usize) {
        for (slot, place) in self.plan.places() {
            match place {
                Place::Input => {
                    buffers.set(slot, ends.input.0.wrapping_add(image * ends.input_len));
                }
                Place::Output(index, start) => {
                    let (output, len) = ends.outputs[index];
                    buffers.set(slot, output.0.wrapping_add(image * len + start));
                }
                Place::Arena(_) | Place::Constant(_) => {}
            }
        }
    }
}

/// Pointers to an arena and to constants, for good.
fn buffers(plan: &Plan, arena: &mut AlignedCells) -> Buffers {
    let mut buffers = Buffers::new(plan.slots());
    let arena = arena.as_mut_ptr();
    for (slot, place) in plan.places() {
        match place {
            Place::Arena(offset) => buffers.set(slot, arena.wrapping_add(offset)),
            Place::Constant(constant) => buffers.set(slot, constant.cast_mut()),
            Place::Input | Place::Output(..) => {}
        }
    }
    buffers
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

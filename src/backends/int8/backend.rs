//! A backend that quantises the models it is given, by the first images that arrive.

use std::mem;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::thread;

use framegate_backend_api::{
    Backend, BackendError, DeviceInfo, InputBatch, Limits, Model, OutputBatch, Profile, Session,
};
use framegate_models::quantise::is_quantised;

use super::quantise_on;

/// Images that are gathered.
const IMAGES: usize = 16;

/// Loads a model as it is and, once some images have been run, in 8 bits in its place. A model that is quantised
/// already is loaded for good.
pub(in crate::backends) struct CalibratingBackend {
    backend: Arc<dyn Backend>,
}

impl CalibratingBackend {
    pub(in crate::backends) fn new(backend: Arc<dyn Backend>) -> Self {
        Self { backend }
    }
}

impl Backend for CalibratingBackend {
    fn name(&self) -> &'static str {
        self.backend.name()
    }

    fn probe(&self) -> Result<DeviceInfo, BackendError> {
        self.backend.probe()
    }

    fn load(&self, model: &Model, limits: &Limits) -> Result<Box<dyn Session>, BackendError> {
        let session = self.backend.load(model, limits)?;
        if is_quantised(&model.graph) {
            return Ok(session);
        }
        tracing::info!(
            model = model.name,
            "f32 until {IMAGES} frames have arrived to calibrate int8 on; --calibrate does it before"
        );
        Ok(Box::new(CalibratingSession {
            session,
            backend: Arc::clone(&self.backend),
            model: model.clone(),
            limits: *limits,
            state: State::Gathering { images: Vec::new(), calls: 0, next: 0 },
        }))
    }
}

struct CalibratingSession {
    session: Box<dyn Session>,
    backend: Arc<dyn Backend>,
    model: Model,
    limits: Limits,
    state: State,
}

enum State {
    /// `next` is the call whose first image is the next to be kept.
    Gathering {
        images: Vec<Vec<f32>>,
        calls: usize,
        next: usize,
    },
    Calibrating(Receiver<Result<Box<dyn Session>, BackendError>>),
    Settled,
}

impl CalibratingSession {
    fn advance(&mut self, batch: &InputBatch) {
        match &mut self.state {
            State::Gathering { images, calls, next } => {
                if *calls == *next && !batch.is_empty() {
                    images.push(batch.image(0).to_vec());
                    // Frames that follow each other are alike, so the distances grow: 16 images of 110 calls.
                    *next += 1 + images.len() * 3 / 4;
                }
                *calls += 1;
                if images.len() == IMAGES {
                    let images = mem::take(images);
                    self.state = self.calibrate(images);
                }
            }
            State::Calibrating(result) => match result.try_recv() {
                Ok(Ok(session)) => {
                    tracing::info!(model = self.model.name, "int8 from this frame on");
                    self.session = session;
                    self.state = State::Settled;
                }
                Ok(Err(error)) => self.stay(&error.to_string()),
                Err(TryRecvError::Disconnected) => self.stay("its thread ended"),
                Err(TryRecvError::Empty) => {}
            },
            State::Settled => {}
        }
    }

    /// Calibrates on a thread of its own: frames do not wait.
    fn calibrate(&self, images: Vec<Vec<f32>>) -> State {
        let (backend, model, limits) = (Arc::clone(&self.backend), self.model.clone(), self.limits);
        let (done, result) = mpsc::sync_channel(1);
        let thread = thread::Builder::new().name("int8-calibration".to_owned());
        let started = thread.spawn(move || {
            let session = quantise_on(backend.as_ref(), &model, &images, 1)
                .and_then(|model| backend.load(&model, &limits));
            // A session that is gone needs no other.
            drop(done.send(session));
        });
        match started {
            Ok(_) => State::Calibrating(result),
            Err(error) => {
                tracing::warn!(model = self.model.name, "f32 instead of int8: no thread: {error}");
                State::Settled
            }
        }
    }

    fn stay(&mut self, reason: &str) {
        tracing::warn!(model = self.model.name, "f32 instead of int8: {reason}");
        self.state = State::Settled;
    }
}

impl Session for CalibratingSession {
    fn infer(&mut self, batch: &InputBatch, out: &mut OutputBatch) -> Result<(), BackendError> {
        self.advance(batch);
        self.session.infer(batch, out)
    }

    fn check(&mut self) -> Result<(), BackendError> {
        self.session.check()
    }

    fn set_profiling(&mut self, is_on: bool) {
        self.session.set_profiling(is_on);
    }

    fn profile(&self) -> Option<Profile> {
        self.session.profile()
    }
}

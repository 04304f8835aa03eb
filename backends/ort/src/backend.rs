//! The implementation of [`Backend`]: probing and loading.

use std::path::PathBuf;

use framegate_backend_api::{
    Backend, BackendError, DeviceInfo, DeviceKind, Limits, Model, Session,
};
use ort::environment::Environment;
use ort::session::builder::GraphOptimizationLevel;

use crate::session::OrtSession;
use crate::{BACKEND, library, onnx};

/// ONNX Runtime on the processor.
#[derive(Debug, Clone)]
pub struct OrtBackend {
    shared_library: Option<PathBuf>,
}

impl OrtBackend {
    /// The backend with the runtime's shared library at `shared_library`: the file, or a folder that contains it;
    /// `None` searches where the operating system does. A process can load only one.
    pub fn new(shared_library: Option<PathBuf>) -> Self {
        Self { shared_library }
    }

    fn environment(&self) -> Result<&'static Environment, BackendError> {
        library::environment(self.shared_library.as_deref())
            .map_err(|reason| BackendError::Unavailable { backend: BACKEND, reason })
    }
}

impl Backend for OrtBackend {
    fn name(&self) -> &'static str {
        BACKEND
    }

    fn probe(&self) -> Result<DeviceInfo, BackendError> {
        self.environment()?;
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let name = format!("{threads} CPU threads, ONNX Runtime of commit {}", build());
        Ok(DeviceInfo { name, kind: DeviceKind::Cpu })
    }

    fn load(&self, model: &Model, limits: &Limits) -> Result<Box<dyn Session>, BackendError> {
        let environment = self.environment()?;
        tracing::info!(backend = BACKEND, runtime = build(), model = model.name, "loading");
        let file = onnx::write(&model.graph);
        let open = || -> ort::Result<ort::session::Session> {
            ort::session::Session::builder(environment)?
                .with_optimization_level(GraphOptimizationLevel::All)?
                .with_intra_threads(limits.threads)?
                .commit_from_memory(&file)
        };
        let session = open().map_err(|problem| BackendError::Unsupported {
            backend: BACKEND,
            reason: problem.to_string(),
        })?;
        let mut session = OrtSession::new(session, &model.graph, limits.max_batch);
        // Allocates the runtime's buffers for both batch sizes.
        session.warm_up(1)?;
        session.warm_up(limits.max_batch)?;
        Ok(Box::new(session))
    }
}

/// The commit that the runtime was built from: it reports no other version.
fn build() -> &'static str {
    let text = ort::info();
    let commit = text.split("git-commit-id=").nth(1).and_then(|rest| rest.split([',', ' ']).next());
    commit.unwrap_or(text)
}

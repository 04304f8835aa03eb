//! Compares frames per second over sockets with frames per second in process: the same images, model and
//! backend, alternating, so that a busy machine is busy for both.
//!
//! ```sh
//! FRAMEGATE_TEST_DATA=../shared cargo bench --bench serving -- flex yolox_nano 4
//! ```

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use framegate::engine::{Engine, EngineSettings};
use framegate::front::admission::DropThresholds;
use framegate::front::metrics::Metrics;
use framegate::front::origin::OriginPolicy;
use framegate::front::places::PlaceLimits;
use framegate::front::sessions::SessionLimit;
use framegate::front::{
    App, Batches, FrontSettings, Loaded, MemoryLimits, NamedPipeline, RunsOn, VideoSettings, serve,
};
use framegate::stages::Selection;
use framegate::{
    BackendOptions, FrameOrigin, Pipeline, PipelineError, PipelineOptions, SourceFrame,
};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_secs(10);

struct Bench {
    model: PathBuf,
    options: PipelineOptions,
    images: Vec<Bytes>,
}

fn main() {
    let arguments: Vec<String> = env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let argument =
        |at: usize, default: &str| arguments.get(at).cloned().unwrap_or_else(|| default.to_owned());
    let (backend, model) = (argument(0, "flex"), argument(1, "yolox_nano"));
    let max_batch: usize = argument(2, "4").parse().expect("a batch size");
    let data = env::var_os("FRAMEGATE_TEST_DATA").unwrap_or_else(|| "../shared".into());
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join(data);
    if !data.is_dir() {
        return println!("skipped: set FRAMEGATE_TEST_DATA to the folder of test data");
    }
    let bench = Bench::new(&data, &backend, &model, max_batch);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (mut in_process, mut served) = (0.0, 0.0);
    for round in 1..=ROUNDS {
        let one = bench.in_process();
        let other = runtime.block_on(bench.served());
        println!("round {round}: in process {one:.1}, over sockets {other:.1} frames/s");
        in_process += one;
        served += other;
    }
    println!("{backend}, {model}, batch {max_batch}: {:.3} of in process", served / in_process);
}

impl Bench {
    fn new(data: &Path, backend: &str, model: &str, max_batch: usize) -> Self {
        let mut files: Vec<PathBuf> = fs::read_dir(data.join("images"))
            .expect("the folder of images")
            .map(|entry| entry.expect("an image").path())
            .collect();
        files.sort();
        Self {
            model: data.join(format!("models/{model}.onnx")),
            options: PipelineOptions {
                backend: Some(backend.parse().expect("the name of a backend")),
                backend_options: BackendOptions { allow_software_gpu: true, ..Default::default() },
                text: false,
                max_batch,
                ..PipelineOptions::default()
            },
            images: files.iter().map(|file| fs::read(file).expect("an image").into()).collect(),
        }
    }

    fn load(&self) -> Pipeline {
        Pipeline::load(&self.model, &self.options).expect("the model loads")
    }

    /// Frames per second without a server.
    fn in_process(&self) -> f64 {
        let mut pipeline = self.load();
        let start = Instant::now();
        let images = self.images.clone();
        let frames = images.into_iter().cycle().enumerate();
        let frames = frames.take_while(move |_| start.elapsed() < ROUND);
        let frames =
            frames.map(|(number, jpeg)| SourceFrame::new(FrameOrigin::Stream { number }, Ok(jpeg)));
        let mut done = 0;
        let ran = pipeline.run(frames, |batch| {
            done += batch.iter().filter(|frame| frame.result.is_ok()).count();
            Ok::<_, PipelineError>(())
        });
        ran.expect("every batch is delivered");
        done as f64 / start.elapsed().as_secs_f64()
    }

    /// Frames per second over sockets, from twice as many sessions as a batch has frames: while the frames
    /// of one half run, those of the other wait. Each session sends its next frame when the last was
    /// answered; with more under way they would only replace each other.
    async fn served(&self) -> f64 {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let PipelineOptions { decode, threads, max_batch, thresholds, .. } = self.options;
        let settings = EngineSettings {
            decode,
            max_batch,
            max_age: Duration::from_secs(60),
            device_check: None,
            read_budget: Duration::from_millis(20),
        };
        let front = FrontSettings {
            max_frame_bytes: 5 << 20,
            // No client is paced: each waits for its replies.
            thresholds: DropThresholds { drop: 1.0, slow_down: 1.0 },
            sessions: SessionLimit { recommended: 100, enforced: false },
            places: PlaceLimits::DEFAULT,
            memory: MemoryLimits::for_frames(5 << 20, 10, 4),
            video: VideoSettings::DEFAULT,
            origins: OriginPolicy::new(Vec::new(), true),
            drain: Duration::from_secs(5),
            max_session_age: None,
            session_idle: Duration::from_secs(60),
            deepstack: false,
            shown: Vec::new(),
        };
        let app = App::new(front, Arc::new(Metrics::default()));
        let pipeline = self.load();
        let (backend, device) = (pipeline.backend(), pipeline.device().name.clone());
        let runs_on = RunsOn { backend, device, is_degraded: false, batches: Batches::default() };
        let pipeline = pipeline.into_parts();
        let detector = Arc::clone(&pipeline.detector);
        let engine = Engine::start(vec![pipeline], threads, settings, |_| {});
        app.start(Loaded {
            engine: engine.expect("it starts"),
            pipelines: vec![NamedPipeline {
                id: "bench".to_owned(),
                detector,
                runs_on: watch::channel(runs_on).1,
                defaults: Selection { text: false, ..Selection::of_all(thresholds) },
                reads_text: false,
            }],
            settings,
        });
        let shutdown = CancellationToken::new();
        let serving = tokio::spawn(serve(listener, app, shutdown.clone().cancelled_owned()));

        let done = Arc::new(AtomicUsize::new(0));
        let ended = Arc::new(AtomicBool::new(false));
        let url = format!("ws://{address}/ws/video/stream");
        let start = Instant::now();
        let clients: Vec<_> = (0..2 * max_batch)
            .map(|client| {
                let (done, ended) = (Arc::clone(&done), Arc::clone(&ended));
                let (url, mut images) = (url.clone(), self.images.clone());
                images.rotate_left(client % self.images.len());
                tokio::spawn(async move {
                    let (mut socket, _) = connect_async(url).await.expect("it connects");
                    let mut next = images.into_iter().cycle().map(Message::Binary);
                    while !ended.load(Ordering::Relaxed) {
                        let frame = next.next().expect("the images repeat");
                        socket.send(frame).await.expect("the server listens");
                        while let Some(Ok(message)) = socket.next().await {
                            let Message::Text(text) = message else { continue };
                            if text.contains("\"frame_index\"") {
                                let is_result = text.contains("\"result\"");
                                done.fetch_add(usize::from(is_result), Ordering::Relaxed);
                                break;
                            }
                        }
                    }
                })
            })
            .collect();
        tokio::time::sleep(ROUND).await;
        let fps = done.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64();
        ended.store(true, Ordering::Relaxed);
        for client in clients {
            client.await.expect("no client fails");
        }
        shutdown.cancel();
        serving.await.expect("no panic").expect("the server ends well");
        fps
    }
}

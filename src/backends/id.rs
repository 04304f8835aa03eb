//! The name of a backend, with its own options.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use framegate_backend_api::{Backend, BackendError};
use framegate_cpu::Precision;

use super::int8::CalibratingBackend;
use super::known::{Create, Factory, KNOWN, KnownBackend};
use super::{BackendIdError, BackendOptions};

/// A backend this program knows of, whether or not it is in this build.
///
/// Read from its name and, after a colon, options of its own: `simd`, `simd:precision=bf16`,
/// `null:latency_ms=5`. Displayed as it was read.
#[derive(Clone)]
pub struct BackendId {
    known: &'static KnownBackend,
    text: String,
    /// Or the Cargo feature that adds it to the build.
    create: Result<Create, &'static str>,
}

impl BackendId {
    /// Every backend this program knows of, without options, in the order of preference.
    pub fn all() -> impl Iterator<Item = Self> {
        KNOWN.iter().flat_map(|known| known.name.parse())
    }

    /// The backends that `auto` selects from, in the order of preference.
    pub fn auto() -> impl Iterator<Item = Self> {
        Self::all().filter(|id| id.known.is_in_auto)
    }

    /// The names of all backends, in a sentence.
    pub fn names() -> String {
        let names: Vec<_> = KNOWN.iter().map(|known| known.name).collect();
        match names.split_last() {
            Some((last, [])) => (*last).to_owned(),
            Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
            None => String::new(),
        }
    }

    /// The name on the command line and in results, without options.
    pub fn name(&self) -> &'static str {
        self.known.name
    }

    /// One sentence about the backend, for people.
    pub fn about(&self) -> &'static str {
        self.known.about
    }

    /// The precision that it computes in where `asked` is asked for: its name may say another.
    pub fn precision(&self, asked: Precision) -> Precision {
        let named = self.text.split_once(":precision=");
        named.and_then(|(_, name)| name.parse().ok()).unwrap_or(asked)
    }

    /// Whether the backend runs models; `null` does not.
    pub fn computes(&self) -> bool {
        self.known.computes
    }

    /// Whether the backend is in this build.
    pub fn is_compiled_in(&self) -> bool {
        self.create.is_ok()
    }

    /// Creates the backend.
    ///
    /// # Errors
    /// [`BackendError::Unavailable`] if it is not in this build, or lacks the precision asked for.
    pub fn create(&self, options: &BackendOptions) -> Result<Box<dyn Backend>, BackendError> {
        let unavailable = |reason| BackendError::Unavailable { backend: self.name(), reason };
        if options.precision != Precision::F32 && !self.known.has_precisions {
            let asked = options.precision;
            return Err(unavailable(format!(
                "it computes only in f32; --precision {asked} is for simd, and to compare the two, name \
                 simd:precision={asked}"
            )));
        }
        match &self.create {
            Ok(create) => {
                let backend = create(options)?;
                let is_int8 = self.precision(options.precision) == Precision::Int8;
                Ok(match is_int8 && self.computes() {
                    true => Box::new(CalibratingBackend::new(backend.into())),
                    false => backend,
                })
            }
            Err(feature) => Err(unavailable(format!(
                "it is not in this build; build with the Cargo feature `{feature}`"
            ))),
        }
    }
}

impl FromStr for BackendId {
    type Err = BackendIdError;

    fn from_str(text: &str) -> Result<Self, BackendIdError> {
        let (name, options) = text.split_once(':').unwrap_or((text, ""));
        let known = KNOWN.iter().find(|known| known.name == name);
        let known = known.ok_or_else(|| BackendIdError::Unknown { expected: Self::names() })?;
        let create: Result<Create, &'static str> = match known.factory {
            Ok(Factory::Plain(_)) if !options.is_empty() => {
                return Err(BackendIdError::TakesNoOptions(known.name));
            }
            Ok(Factory::Plain(create)) => Ok(Arc::new(create)),
            Ok(Factory::WithOptions(read)) => Ok(read(options)?),
            Err(feature) => Err(feature),
        };
        Ok(Self { known, text: text.to_owned(), create })
    }
}

impl fmt::Display for BackendId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for BackendId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BackendId").field(&self.text).finish()
    }
}

impl PartialEq for BackendId {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for BackendId {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_the_table_is_read_and_displayed() {
        let names: Vec<String> = BackendId::all().map(|id| id.to_string()).collect();
        assert_eq!(names, ["wgpu", "simd", "flex", "ndarray", "ort", "null"]);
        assert_eq!(BackendId::names(), "wgpu, simd, flex, ndarray, ort or null");
        let auto: Vec<&str> = BackendId::auto().map(|id| id.name()).collect();
        assert_eq!(auto, ["wgpu", "simd", "flex", "ndarray"]);
    }

    #[test]
    fn options_follow_a_colon() {
        let id: BackendId = "null:latency_ms=5".parse().unwrap();
        assert_eq!((id.name(), id.to_string().as_str()), ("null", "null:latency_ms=5"));
        let device = id.create(&BackendOptions::default()).and_then(|null| null.probe()).unwrap();
        assert!(device.name.contains("5 ms per call"), "{}", device.name);
        assert_ne!(id, "null".parse().unwrap());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let read = |text: &str| text.parse::<BackendId>().unwrap_err();
        assert!(matches!(read("abacus"), BackendIdError::Unknown { .. }));
        assert!(matches!(read(""), BackendIdError::Unknown { .. }));
        assert!(matches!(read("auto"), BackendIdError::Unknown { .. }));
        assert!(matches!(read("null:latency=5"), BackendIdError::Null(_)));
        assert!(read("abacus").to_string().contains("ort or null"));
    }

    /// Whether a test can use a backend: a build without it cannot read its options.
    fn is_here(name: &str) -> bool {
        let is_here = name.parse::<BackendId>().unwrap().is_compiled_in();
        if !is_here {
            eprintln!("skipped: {name} is not in this build");
        }
        is_here
    }

    #[test]
    fn options_of_a_backend_without_options_are_refused() {
        for name in ["wgpu", "flex", "ndarray", "ort"].into_iter().filter(|name| is_here(name)) {
            let read = format!("{name}:threads=1").parse::<BackendId>();
            assert_eq!(read.unwrap_err(), BackendIdError::TakesNoOptions(name));
        }
    }

    #[test]
    fn a_precision_in_the_name_beats_the_option() {
        if !is_here("simd") {
            return;
        }
        let read = |text: &str| text.parse::<BackendId>();
        assert!(matches!(read("simd:precision=f8"), Err(BackendIdError::Precision(_))));
        assert!(matches!(read("simd:bf16"), Err(BackendIdError::UnknownSimdOption(_))));
        let level = Some(framegate_cpu::Level::Portable);
        let options = BackendOptions {
            precision: Precision::Bf16,
            simd_level: level,
            ..BackendOptions::default()
        };
        let device = |text: &str| {
            let backend = read(text).unwrap().create(&options);
            backend.and_then(|backend| backend.probe()).unwrap().name
        };
        assert!(device("simd").ends_with("portable, bf16"), "{}", device("simd"));
        assert!(device("simd:precision=f32").ends_with("portable"));
    }

    #[test]
    fn a_backend_that_is_not_in_the_build_names_the_feature() {
        for id in BackendId::all() {
            match id.create(&BackendOptions::default()).map(drop) {
                Ok(()) => assert!(id.is_compiled_in(), "{id}"),
                Err(error) => {
                    assert!(!id.is_compiled_in(), "{error}");
                    assert!(error.to_string().contains("Cargo feature `"), "{error}");
                }
            }
        }
    }

    #[test]
    fn bf16_is_refused_by_backends_without_it() {
        let options = BackendOptions { precision: Precision::Bf16, ..BackendOptions::default() };
        let ort: BackendId = "ort".parse().unwrap();
        let refused = ort.create(&options).map(drop).unwrap_err();
        assert!(refused.to_string().contains("only in f32"), "{refused}");
    }
}

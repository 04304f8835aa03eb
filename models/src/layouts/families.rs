//! All families, by name.

use serde::{Deserialize, Deserializer, de};

use super::family::Family;
use super::{LAYOUTS, model_family};

impl Family {
    /// The family of this name in sidecar files, if there is one.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        all().find(|family| family.name == name)
    }

    /// Reads the name of a family from a sidecar.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        input: D,
    ) -> Result<Option<&'static Self>, D::Error> {
        let name = String::deserialize(input)?;
        let Some(family) = Self::named(&name) else {
            let mut names: Vec<String> = all().map(|family| format!("`{}`", family.name)).collect();
            names.dedup();
            return Err(de::Error::custom(format!(
                "unknown family `{name}`; use one of {}",
                names.join(", ")
            )));
        };
        Ok(Some(family))
    }
}

/// The families of all layouts, of which one that several layouts share occurs more than once, and others.
fn all() -> impl Iterator<Item = &'static Family> {
    let of_layouts = LAYOUTS.iter().flat_map(|layout| layout.families().iter().copied());
    of_layouts.chain(model_family::OTHERS.iter().copied())
}

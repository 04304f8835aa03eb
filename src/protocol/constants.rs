//! Keys with only one possible value: types that serialise to it and refuse to be read from any other.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// Defines a unit type for a value; `$read` is the type that JSON is read as.
macro_rules! constant {
    ($(#[$doc:meta])* $name:ident, $read:ty, $schema:expr, $value:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct $name;

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $value.serialize(serializer)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let found = <$read>::deserialize(deserializer)?;
                if found == $value {
                    return Ok(Self);
                }
                Err(D::Error::custom(format_args!("expected {:?}, not {found:?}", $value)))
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new().schema_type($schema).enum_values(Some([$value])).into()
            }
        }

        impl ToSchema for $name {}
    };
}

constant! {
    /// Always `true`.
    True, bool, Type::Boolean, true
}
constant! {
    /// Always `"slow_down"`.
    SlowDownWarning, String, Type::String, "slow_down"
}
constant! {
    /// Always `"recovered"`.
    RecoveredNotice, String, Type::String, "recovered"
}
constant! {
    /// Always `"draining"`.
    DrainingNotice, String, Type::String, "draining"
}
constant! {
    /// Always `"backend_changed"`.
    BackendChangedNotice, String, Type::String, "backend_changed"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_is_written_as_its_value_and_read_from_nothing_else() {
        assert_eq!(serde_json::to_string(&True).unwrap(), "true");
        assert_eq!(serde_json::to_string(&SlowDownWarning).unwrap(), "\"slow_down\"");
        assert!(serde_json::from_str::<True>("true").is_ok());
        assert!(serde_json::from_str::<DrainingNotice>("\"draining\"").is_ok());
        for wrong in ["false", "1", "null", "\"true\""] {
            assert!(serde_json::from_str::<True>(wrong).is_err(), "{wrong}");
        }
        for wrong in ["\"draining\"", "\"\"", "true"] {
            assert!(serde_json::from_str::<RecoveredNotice>(wrong).is_err(), "{wrong}");
        }
    }
}

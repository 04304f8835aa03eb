//! A value of the file as the words that the command line would have.

use std::path::Path;

use clap::builder::Resettable;
use clap::{Arg, Command};
use framegate_fetch::is_remote;
use framegate_models::detector::EMBEDDED_MODEL;
use toml::Spanned;
use toml::de::{DeInteger, DeValue};

use super::known::{is_path, takes_several};

/// The words that a value stands for, or why its option does not take it. Paths are relative to `folder`.
pub(super) fn words(argument: &Arg, value: &DeValue, folder: &Path) -> Result<Vec<String>, String> {
    let words = match value {
        DeValue::Array(values) if takes_several(argument) => {
            values.iter().map(Spanned::get_ref).map(word).collect::<Result<Vec<_>, _>>()?
        }
        DeValue::Array(_) => return Err("expected one value, not a list".to_owned()),
        value => vec![word(value)?],
    };
    let words = words.into_iter().map(|word| match is_path(argument) {
        true => beside(folder, word),
        false => word,
    });
    let words: Vec<String> = words.collect();
    accepted(argument, &words)?;
    Ok(words)
}

fn word(value: &DeValue) -> Result<String, String> {
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        DeValue::Boolean(flag) => Ok(flag.to_string()),
        DeValue::Integer(number) => whole(number),
        DeValue::Float(number) => Ok(number.as_str().to_owned()),
        other => Err(format!("expected a text, a number or true, not a {}", other.type_str())),
    }
}

fn whole(number: &DeInteger) -> Result<String, String> {
    let value = i64::from_str_radix(number.as_str(), number.radix());
    value.map(|value| value.to_string()).map_err(|error| error.to_string())
}

/// A path that is relative to the file, as the program finds it. The built-in model and models that are fetched have
/// names, not paths.
fn beside(folder: &Path, word: String) -> String {
    if is_remote(&word) || word == EMBEDDED_MODEL {
        return word;
    }
    folder.join(word).to_string_lossy().into_owned()
}

/// Asks clap whether the option takes these values.
fn accepted(argument: &Arg, words: &[String]) -> Result<(), String> {
    let argument =
        argument.clone().required(false).env(Resettable::Reset).default_values(words.to_vec());
    let command = Command::new("framegate").no_binary_name(true).arg(argument);
    match command.try_get_matches_from([""; 0]) {
        Ok(_) => Ok(()),
        Err(error) => Err(sentence(&error.to_string())),
    }
}

/// The sentence of a message of clap's, with what it lists below, and without the hints for a terminal.
pub fn sentence(message: &str) -> String {
    let lines = message.lines().map(str::trim).take_while(|line| !line.is_empty());
    let sentence = lines.collect::<Vec<_>>().join(" ");
    sentence.strip_prefix("error: ").unwrap_or(&sentence).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_message_lists_is_part_of_the_sentence() {
        let message = "error: invalid value 'x' for '--compat <API>'\n  [possible values: deepstack]\n\n\
                       For more information, try '--help'.\n";
        assert_eq!(
            sentence(message),
            "invalid value 'x' for '--compat <API>' [possible values: deepstack]"
        );
        assert_eq!(sentence(""), "");
    }
}

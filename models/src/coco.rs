//! COCO's 80 classes, whose numbers in its files have gaps: models are trained with the numbers, and people name the
//! classes.

/// Its numbers with their gaps, 0 among them.
pub(crate) const CATEGORY_IDS: usize = 91;

/// Its classes.
pub(crate) const CLASSES: usize = 80;

/// Numbers without a class.
const GAPS: [usize; CATEGORY_IDS - CLASSES] = [0, 12, 26, 29, 30, 45, 66, 68, 69, 71, 83];

/// Whether these labels are COCO's, without the gaps.
pub(crate) fn are_labels(labels: &[String]) -> bool {
    let is = |label: Option<&String>, name: &str| {
        label.is_some_and(|label| label.trim().eq_ignore_ascii_case(name))
    };
    labels.len() == CLASSES && is(labels.first(), "person") && is(labels.last(), "toothbrush")
}

/// The same labels at COCO's numbers; one without a class has its number for a name.
pub(crate) fn at_category_ids(labels: Vec<String>) -> Vec<String> {
    let mut labels = labels.into_iter();
    let label = |number| match GAPS.contains(&number) {
        true => None,
        false => labels.next(),
    };
    let spread: Vec<Option<String>> = (0..CATEGORY_IDS).map(label).collect();
    let named = |(number, label): (usize, Option<String>)| {
        label.unwrap_or_else(|| format!("class {number}"))
    };
    spread.into_iter().enumerate().map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_put_at_the_numbers_of_coco() {
        let mut labels: Vec<String> = (0..CLASSES).map(|class| class.to_string()).collect();
        assert!(!are_labels(&labels));
        labels[0] = "person".to_owned();
        labels[79] = "toothbrush".to_owned();
        assert!(are_labels(&labels));
        let spread = at_category_ids(labels);
        assert_eq!(spread.len(), CATEGORY_IDS);
        // Stop sign is 11 in COCO's list and 13 among its numbers, toothbrush is 90.
        for (number, label) in [(0, "class 0"), (1, "person"), (12, "class 12"), (13, "11")] {
            assert_eq!(spread[number], label);
        }
        assert_eq!(spread[90], "toothbrush");
    }
}

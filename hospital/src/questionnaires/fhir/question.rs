//! Items that are answered.

use wardsum_protocol::form::Steps;

use super::element::{Element, extension, value_of};
use super::{Reader, join};
use crate::questionnaires::decimal::Decimal;
use crate::questionnaires::draft::{DraftItem, DraftKind, Named, steps};
use crate::questionnaires::problem::quoted;
use crate::questionnaires::tree::Node;
use crate::questionnaires::words::Words;

/// The most numbers of a scale: what a slider from 0 to 100 has. What has more is a number.
const SCALE_MAX: u128 = 101;

/// Why nothing is asked of some only.
pub(super) const CONDITIONAL: &str = "this is asked only under a condition; whether it was asked would tell on others, and \
    counts of only some people cannot be published together. Ask everybody: remove the condition, and let people prefer not \
    to answer, or give them an option for not applicable";

/// Why nothing is answered before somebody answers.
pub(super) const PREFILLED: &str = "an answer is filled in beforehand; here every patient answers on an empty page, so \
    remove it";

/// Why some types are not asked.
fn refusal(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "string" | "text" => {
            "free text cannot be added up, and may tell who wrote it; ask for a choice or a number instead"
        }
        "open-choice" => {
            "an answer of one's own words cannot be added up; make it a `choice` with an option for anything else"
        }
        "date" | "dateTime" | "time" => {
            "dates and times cannot be added up; ask for a number, such as years or days, or for a choice of periods"
        }
        "attachment" => "files cannot be added up; remove this item",
        "reference" | "url" => "links to something else cannot be added up; remove this item",
        "question" => {
            "the type `question` does not say what is answered; give the type of the answer"
        }
        "coding" => {
            "the type `coding` is that of FHIR R5; export the questionnaire as R4, where it is `choice`"
        }
        _ => return None,
    })
}

/// What stands below a question to explain it.
#[derive(Default)]
struct Notes {
    help: Vec<Words>,
    lowest: Words,
    highest: Words,
    unit: Words,
}

impl<'n, 'a> Reader<'n, 'a, '_, '_> {
    /// Reads an item of this type that somebody answers. `notes` is what was told just before it.
    pub(super) fn question(
        &mut self,
        element: &Element<'n, 'a>,
        kind: &str,
        notes: Words,
    ) -> DraftItem {
        let id = Named {
            place: element.place.clone(),
            id: self.string(element, "linkId").unwrap_or_default().to_owned(),
        };
        if id.id.is_empty() {
            self.problems.report(&element.place, "there is no linkId; give it one");
        }
        self.condition(element);
        self.answerable(element);
        let mut below = self.below(element);
        let code = self.code(element);
        let text = self.prefixed(element);
        let unit = self.unit(element).unwrap_or_else(|| core::mem::take(&mut below.unit));
        let kind = match (refusal(kind), kind) {
            (Some(reason), _) => {
                self.problems.report(&element.place, reason);
                None
            }
            (None, "boolean") => {
                self.no_options(element, kind);
                self.once(element);
                Some(DraftKind::YesNo)
            }
            (None, "integer") if element.node.entry("answerOption").is_some() => {
                self.choice(element)
            }
            (None, "integer" | "decimal" | "quantity") => {
                self.no_options(element, kind);
                self.once(element);
                self.numeric(element, kind, &mut below)
            }
            (None, "choice") => self.choice(element),
            (None, "") => {
                self.problems.report(&element.place, "there is no type; give one");
                None
            }
            (None, other) => {
                let message = format!(
                    "the type {} is not known; boolean, integer, decimal, quantity, choice, group and display are",
                    quoted(other)
                );
                self.problems.report(&element.place.part("type"), message);
                None
            }
        };
        let mut help = vec![notes];
        help.append(&mut below.help);
        DraftItem {
            place: element.place.clone(),
            id,
            code,
            text,
            help: join(help),
            unit,
            optional: !element.flag("required"),
            kind,
        }
    }

    /// Reports a condition on an item, or on what is displayed.
    pub(super) fn condition(&mut self, element: &Element<'n, 'a>) {
        if !element.list("enableWhen").is_empty() {
            self.problems.report(&element.place.part("enableWhen"), CONDITIONAL);
        }
    }

    /// Reports what keeps people from answering by themselves.
    fn answerable(&mut self, element: &Element<'n, 'a>) {
        if element.node.entry("initial").is_some() {
            self.problems.report(&element.place.part("initial"), PREFILLED);
        }
        if element.flag("readOnly") {
            let message =
                "this item is read-only, so nobody can answer it; only a total score may be";
            self.problems.report(&element.place.part("readOnly"), message);
        }
        if element.says(extension::HIDDEN) {
            let message = "this item is hidden, so nobody can answer it; show it, or remove it";
            self.problems.report(&element.place.part("questionnaire-hidden"), message);
        }
        if element.extension(extension::CALCULATED).is_some() {
            let message = "only numbers are calculated here, and only sums of scores; remove the calculation or the item";
            self.problems.report(&element.place.part("calculatedExpression"), message);
        }
        if let Some(least) = self.number(element, extension::MIN_OCCURS)
            && least.whole().is_none_or(|least| least > 1)
        {
            let message = "so many answers cannot be asked for at least; remove the minimum";
            self.problems.report(&element.place.part("questionnaire-minOccurs"), message);
        }
    }

    /// Reports that something is asked several times.
    fn once(&mut self, element: &Element<'n, 'a>) {
        if element.flag("repeats") {
            let message =
                "this question is asked several times; only a choice may have several answers";
            self.problems.report(&element.place.part("repeats"), message);
        }
    }

    fn no_options(&mut self, element: &Element<'n, 'a>, kind: &str) {
        for key in ["answerOption", "answerValueSet"] {
            if element.node.entry(key).is_some() {
                let message =
                    format!("an item of type {kind} has no options here; make it a `choice`");
                self.problems.report(&element.place.part(key), message);
            }
        }
    }

    /// Reads the displays in a question.
    fn below(&mut self, element: &Element<'n, 'a>) -> Notes {
        let mut notes = Notes::default();
        for (position, node) in element.list("item").iter().enumerate() {
            let Some(display) = self.item_element(node, element, position) else { continue };
            if self.string(&display, "type") != Some("display") {
                let message =
                    "this stands in another question; let it stand beside it, or in a group";
                self.problems.report(&display.place, message);
                continue;
            }
            self.understand(&display, "item");
            self.condition(&display);
            let text = self.words(&display, "text");
            if display.control("lower") {
                notes.lowest = text;
            } else if display.control("upper") {
                notes.highest = text;
            } else if display.control("unit") {
                notes.unit = text;
            } else {
                notes.help.push(text);
            }
        }
        notes
    }

    /// What a number counts.
    fn unit(&mut self, element: &Element<'n, 'a>) -> Option<Words> {
        let options = element.extensions().filter(|(url, _)| *url == extension::UNIT_OPTION);
        let options: Vec<_> = options.map(|(_, node)| node).collect();
        let node = element.extension(extension::UNIT).or_else(|| options.first().copied());
        if options.len() > 1 {
            let message = "the answers may be in several units, which cannot be added up; give one";
            self.problems.report(&element.place.part("questionnaire-unitOption"), message);
        }
        let quantity = || {
            let bound = [extension::MIN_QUANTITY, extension::MIN_VALUE]
                .iter()
                .find_map(|url| element.extension(url));
            bound.and_then(value_of).filter(|value| value.entry("value").is_some())
        };
        let coding = node.and_then(value_of).or_else(quantity)?;
        let coding = Element::new(coding, &element.place.part("unit").at(coding.at));
        for key in ["display", "unit", "code"] {
            let mut words = self.words(&coding, key);
            if !words.is_empty() {
                // Symbols such as kg are the same everywhere.
                words.neutral = words.texts.len() == 1;
                return Some(words);
            }
        }
        None
    }

    fn numeric(
        &mut self,
        element: &Element<'n, 'a>,
        kind: &str,
        notes: &mut Notes,
    ) -> Option<DraftKind> {
        let before = self.problems.count();
        self.same_units(element);
        let min = self.bound(
            element,
            [extension::MIN_VALUE, extension::MIN_QUANTITY],
            "smallest",
            "minValue",
        );
        let max = self.bound(
            element,
            [extension::MAX_VALUE, extension::MAX_QUANTITY],
            "largest",
            "maxValue",
        );
        let step = self.step(element, kind);
        if self.problems.count() > before {
            return None;
        }
        let steps = steps(&element.place, (min?, max?), step?, self.problems)?;
        let few = steps.range().is_some_and(|range| range.width() < SCALE_MAX);
        let ends = !notes.lowest.is_empty() || !notes.highest.is_empty();
        if few && (ends || element.control("slider")) {
            let lowest = core::mem::take(&mut notes.lowest);
            let highest = core::mem::take(&mut notes.highest);
            return Some(DraftKind::Scale { steps, lowest, highest });
        }
        notes.help.push(core::mem::take(&mut notes.lowest));
        notes.help.push(core::mem::take(&mut notes.highest));
        Some(DraftKind::Number { squares: squares(&steps), steps })
    }

    fn bound(
        &mut self,
        element: &Element<'n, 'a>,
        urls: [&str; 2],
        which: &str,
        name: &str,
    ) -> Option<Decimal> {
        let url = urls.into_iter().find(|url| element.extension(url).is_some());
        if url.is_none() {
            let message = format!(
                "the {which} number is missing, and without it no answer can be proven; give the extension {name}"
            );
            self.problems.report(&element.place.part(name), message);
        }
        self.number(element, url?)
    }

    fn step(&mut self, element: &Element<'n, 'a>, kind: &str) -> Option<Decimal> {
        let given = [extension::SLIDER_STEP_DECIMAL, extension::SLIDER_STEP];
        if let Some(url) = given.into_iter().find(|url| element.extension(url).is_some()) {
            return self.number(element, url);
        }
        if kind == "integer" {
            return Some(Decimal::new(1, 0));
        }
        let place = element.place.part("maxDecimalPlaces");
        if element.extension(extension::MAX_DECIMAL_PLACES).is_none() {
            let message = "it is not said how fine the number is; give the extension maxDecimalPlaces, 1 for steps of 0.1";
            self.problems.report(&place, message);
            return None;
        }
        let places = self.number(element, extension::MAX_DECIMAL_PLACES)?;
        let decimals = places.whole().and_then(|places| u8::try_from(places).ok());
        let decimals =
            decimals.filter(|decimals| *decimals <= wardsum_protocol::form::DECIMALS_MAX);
        let Some(decimals) = decimals else {
            self.problems
                .report(&place, format!("{places} decimal places are too many; give 9 at most"));
            return None;
        };
        Some(Decimal::new(1, decimals))
    }

    /// Reports bounds in different units.
    fn same_units(&mut self, element: &Element<'n, 'a>) {
        let urls = [
            extension::MIN_VALUE,
            extension::MIN_QUANTITY,
            extension::MAX_VALUE,
            extension::MAX_QUANTITY,
        ];
        let code = |node: &'n Node<'a>| {
            node.entry("code").or_else(|| node.entry("unit")).and_then(Node::as_text)
        };
        let mut units: Vec<&str> =
            urls.iter().filter_map(|url| code(value_of(element.extension(url)?)?)).collect();
        if let Some(unit) = element.extension(extension::UNIT).and_then(value_of).and_then(code)
            && !units.is_empty()
        {
            units.push(unit);
        }
        if units.iter().any(|unit| *unit != units[0]) {
            let message =
                format!("its bounds and its unit are in different units: {}", units.join(", "));
            self.problems.report(&element.place, message);
        }
        let comparators =
            urls.iter().filter_map(|url| value_of(element.extension(url)?)?.entry("comparator"));
        if comparators.count() > 0 {
            self.problems.report(&element.place, "a bound is one number; remove its comparator");
        }
    }
}

/// Whether squares can be added up of numbers of this range: where they can, they are, so that there is a standard
/// deviation.
fn squares(steps: &Steps) -> bool {
    let width = steps.range().map(|range| range.width());
    // What a million answers leave of 127 bits.
    width.and_then(|width| width.checked_mul(width)).is_some_and(|square| square >> 107 == 0)
}

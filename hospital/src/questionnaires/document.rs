//! Our own shape of a questionnaire, in TOML or JSON. `docs/QUESTIONNAIRES.md` describes it key by key.

use wardsum_protocol::form::ITEMS_MAX;

use super::decimal::Decimal;
use super::draft::{
    Draft, DraftCoding, DraftItem, DraftKind, DraftOption, DraftScore, DraftSection, DraftTerm,
    Named, steps, too_many,
};
use super::fields::{Fields, decimal};
use super::problem::{Place, Problems, quoted};
use super::tree::{Node, Value};
use super::words::Words;

/// The keys that some kinds of item have, and which these are.
const KEYS_OF_KINDS: [(&str, &str); 8] = [
    ("min", "number or scale"),
    ("max", "number or scale"),
    ("step", "number or scale"),
    ("squares", "number"),
    ("lowest", "scale"),
    ("highest", "scale"),
    ("option", "choice or choices"),
    ("at_most", "choices"),
];

/// What a document says. Everything that is wrong with it is reported.
pub(super) fn draft(tree: &Node, problems: &mut Problems) -> Option<Draft> {
    let mut fields = Fields::of(tree, &Place::document(), problems)?;
    let sections = fields.list("section", problems);
    let items = sections.iter().filter_map(|(section, _)| section.entry("item"));
    let items = items.map(|items| items.elements().len()).sum();
    if items > ITEMS_MAX {
        problems.report(&Place::document(), too_many(items));
        return None;
    }
    let mut reader = Reader { language: String::new(), problems };
    reader.language = reader.language(&mut fields);
    let draft = Draft {
        title: reader.words(&mut fields, "title"),
        introduction: reader.words(&mut fields, "introduction"),
        sections: sections.iter().filter_map(|(node, place)| reader.section(node, place)).collect(),
        grouping: reader.named(&mut fields, "grouping"),
        scores: reader.list(&mut fields, "score", Reader::score),
    };
    let shape = |key: &str| match key {
        "item" => Some(
            "an item stands in a section; write [[section]] and below it [[section.item]]"
                .to_owned(),
        ),
        _ => None,
    };
    fields.finish(shape, reader.problems);
    Some(draft)
}

struct Reader<'p, 's> {
    /// Of texts that are given in one language only; of others the one that comes first.
    language: String,
    problems: &'p mut Problems<'s>,
}

impl Reader<'_, '_> {
    fn list<T>(
        &mut self,
        fields: &mut Fields,
        key: &'static str,
        read: impl Fn(&mut Self, &Node, &Place) -> Option<T>,
    ) -> Vec<T> {
        let elements = fields.list(key, self.problems);
        elements.iter().filter_map(|(node, place)| read(self, node, place)).collect()
    }

    fn language(&mut self, fields: &mut Fields) -> String {
        let language = fields.text("language", self.problems).unwrap_or_default();
        language.to_ascii_lowercase()
    }

    /// A text, or a table of texts by language.
    fn words(&mut self, fields: &mut Fields, key: &'static str) -> Words {
        let Some((node, place)) = fields.take(key) else {
            return Words::none(fields.place.part(key));
        };
        match &node.value {
            Value::Text(text) => Words::one(place, &self.language, text),
            Value::Table(entries) => {
                let mut words = Words::none(place.clone());
                for (language, node) in entries {
                    let Value::Text(text) = &node.value else {
                        let message = format!("this is {}; give a text", node.value.name());
                        self.problems.report(&place.part(language).at(node.at), message);
                        words.broken = true;
                        continue;
                    };
                    let language = language.to_ascii_lowercase();
                    if words.texts.iter().any(|(other, _)| *other == language) {
                        self.problems
                            .report(&place, format!("{} is there twice", quoted(&language)));
                    }
                    words.texts.push((language, text.to_string()));
                }
                // The order in a file may have got lost: programs sort the keys of JSON as they like.
                words.texts.sort_by_key(|(language, _)| *language != self.language);
                words
            }
            other => {
                let message = format!(
                    "this is {}; give a text, or a table of texts by language",
                    other.name()
                );
                self.problems.report(&place, message);
                Words::broken(place)
            }
        }
    }

    /// A unit, which one text may name for all languages.
    fn unit(&mut self, fields: &mut Fields) -> Words {
        let mut unit = self.words(fields, "unit");
        unit.neutral = fields.take("unit").is_some_and(|(node, _)| node.as_text().is_some());
        unit
    }

    fn named(&mut self, fields: &mut Fields, key: &'static str) -> Option<Named> {
        let place = fields.take(key)?.1;
        let id = fields.text(key, self.problems).unwrap_or_default().to_owned();
        Some(Named { place, id })
    }

    /// The id of what has to have one.
    fn id(&mut self, fields: &mut Fields) -> Named {
        let named = self.named(fields, "id").unwrap_or_default();
        if named.id.is_empty() {
            fields.missing("id", "an id of letters from a to z, digits, and -._/", self.problems);
        }
        named
    }

    fn coding(&mut self, fields: &mut Fields) -> DraftCoding {
        let Some((node, place)) = fields.take("code") else { return DraftCoding::default() };
        let Some(mut fields) = Fields::of(node, &place, self.problems) else {
            return DraftCoding::default();
        };
        let system = fields.text("system", self.problems).unwrap_or_default().to_owned();
        let code = fields.text("code", self.problems).unwrap_or_default().to_owned();
        fields.finish(|_| None, self.problems);
        DraftCoding { place, system, code }
    }

    fn section(&mut self, node: &Node, place: &Place) -> Option<DraftSection> {
        let mut fields = Fields::of(node, place, self.problems)?;
        let section = DraftSection {
            place: fields.place.clone(),
            title: self.words(&mut fields, "title"),
            help: self.words(&mut fields, "help"),
            items: self.list(&mut fields, "item", Self::item),
        };
        fields.finish(|_| None, self.problems);
        Some(section)
    }

    fn item(&mut self, node: &Node, place: &Place) -> Option<DraftItem> {
        let mut fields = Fields::of(node, place, self.problems)?;
        let id = self.id(&mut fields);
        let item = DraftItem {
            place: fields.place.clone(),
            id,
            code: self.coding(&mut fields),
            text: self.words(&mut fields, "text"),
            help: self.words(&mut fields, "help"),
            unit: self.unit(&mut fields),
            optional: fields.flag("optional", self.problems).unwrap_or_default(),
            kind: self.kind(&mut fields),
        };
        let elsewhere = |key: &str| {
            let kinds = KEYS_OF_KINDS.iter().find(|(known, _)| *known == key);
            // What belongs to a kind is not told as unknown where the kind is.
            kinds.map(|(_, kinds)| {
                format!("only an item of kind {kinds} has this; remove it, or change the kind")
            })
        };
        fields.finish(elsewhere, self.problems);
        Some(item)
    }

    fn kind(&mut self, fields: &mut Fields) -> Option<DraftKind> {
        const KINDS: &str = "yes-no, number, scale, choice or choices";
        let Some((_, place)) = fields.take("kind") else {
            fields.missing("kind", KINDS, self.problems);
            return None;
        };
        match fields.text("kind", self.problems)? {
            "yes-no" => Some(DraftKind::YesNo),
            "number" => {
                let squares = fields.flag("squares", self.problems).unwrap_or_default();
                let steps = self.steps(fields)?;
                Some(DraftKind::Number { steps, squares })
            }
            "scale" => {
                let lowest = self.words(fields, "lowest");
                let highest = self.words(fields, "highest");
                let steps = self.steps(fields)?;
                Some(DraftKind::Scale { steps, lowest, highest })
            }
            "choice" => Some(DraftKind::Choice(self.options(fields))),
            "choices" => {
                let options = self.options(fields);
                let at_most = match self.whole(fields, "at_most") {
                    Ok(Some(at_most)) => at_most,
                    Ok(None) => u16::try_from(options.len()).unwrap_or(u16::MAX),
                    Err(Reported) => return None,
                };
                Some(DraftKind::Choices { options, at_most })
            }
            other => {
                self.problems
                    .report(&place, format!("there is no kind {}; give {KINDS}", quoted(other)));
                None
            }
        }
    }

    fn steps(&mut self, fields: &mut Fields) -> Option<wardsum_protocol::form::Steps> {
        let before = self.problems.count();
        let min = self.bound(fields, "min", "the smallest number");
        let max = self.bound(fields, "max", "the largest number");
        let step = fields.decimal("step", self.problems);
        if self.problems.count() > before {
            return None;
        }
        let place = step.as_ref().map_or(fields.place.clone(), |(_, place)| place.clone());
        let step = step.map_or(Decimal::new(1, 0), |(step, _)| step);
        steps(&place, (min?, max?), step, self.problems)
    }

    fn bound(&mut self, fields: &mut Fields, key: &'static str, what: &str) -> Option<Decimal> {
        if fields.take(key).is_none() {
            fields.missing(key, what, self.problems);
            return None;
        }
        fields.decimal(key, self.problems).map(|(decimal, _)| decimal)
    }

    /// A whole number, if there is one and it fits.
    fn whole<T: TryFrom<i128>>(
        &mut self,
        fields: &mut Fields,
        key: &'static str,
    ) -> Result<Option<T>, Reported> {
        let Some((node, place)) = fields.take(key) else { return Ok(None) };
        let number = decimal(node, &place, self.problems).ok_or(Reported)?;
        let whole = number.whole().and_then(|whole| T::try_from(whole).ok());
        if whole.is_none() {
            self.problems.report(&place, format!("{number} is no whole number, or out of range"));
        }
        whole.map(Some).ok_or(Reported)
    }

    fn options(&mut self, fields: &mut Fields) -> Vec<DraftOption> {
        if fields.take("option").is_none() {
            fields.missing("option", "the options", self.problems);
        }
        self.list(fields, "option", Self::option)
    }

    fn option(&mut self, node: &Node, place: &Place) -> Option<DraftOption> {
        let mut fields = Fields::of(node, place, self.problems)?;
        let option = DraftOption {
            code: self.coding(&mut fields),
            text: self.words(&mut fields, "text"),
            value: self.whole(&mut fields, "value").ok().flatten(),
        };
        fields.finish(|_| None, self.problems);
        Some(option)
    }

    fn score(&mut self, node: &Node, place: &Place) -> Option<DraftScore> {
        let mut fields = Fields::of(node, place, self.problems)?;
        let id = self.id(&mut fields);
        let score = DraftScore {
            place: fields.place.clone(),
            id,
            code: self.coding(&mut fields),
            title: self.words(&mut fields, "title"),
            terms: self.list(&mut fields, "items", Self::term),
            distribution: fields.flag("distribution", self.problems).unwrap_or_default(),
        };
        fields.finish(|_| None, self.problems);
        Some(score)
    }

    /// The id of an item, or a table of an id and a weight.
    fn term(&mut self, node: &Node, place: &Place) -> Option<DraftTerm> {
        if let Value::Text(id) = &node.value {
            let item = Named { place: place.clone(), id: id.to_string() };
            return Some(DraftTerm { item, weight: 1 });
        }
        if !matches!(node.value, Value::Table(_)) {
            let message = format!(
                "this is {}; give the id of an item, or a table of `id` and `weight`",
                node.value.name()
            );
            self.problems.report(place, message);
            return None;
        }
        let mut fields = Fields::of(node, place, self.problems)?;
        let item = self.id(&mut fields);
        let weight = self.whole(&mut fields, "weight").unwrap_or_default().unwrap_or(1);
        fields.finish(|_| None, self.problems);
        Some(DraftTerm { item, weight })
    }
}

/// It was wrong, and that is reported.
struct Reported;

//! Questionnaires of FHIR R4. `docs/QUESTIONNAIRES.md` has the table of what becomes of each element, and why some are
//! refused.

mod element;
mod options;
mod path;
mod question;
mod total;

use std::collections::BTreeMap;
use std::rc::Rc;

use wardsum_protocol::form::{ITEMS_MAX, Language, SHORT_TEXT_MAX};

use self::element::{Element, extension};
use super::draft::{Draft, DraftSection, too_many};
use super::problem::{Place, Problems, quoted};
use super::tree::{Node, Value};
use super::words::Words;

/// How deep groups may stand in one another.
const GROUPS_MAX: usize = 8;

/// How many variables may be known at once.
const VARIABLES_MAX: usize = 200;

/// What a Questionnaire asks. Everything that is wrong with it is reported.
pub(super) fn draft(tree: &Node, problems: &mut Problems) -> Option<Draft> {
    let place = Place::fhir().at(tree.at);
    let resource = tree.entry("resourceType").and_then(Node::as_text).unwrap_or_default();
    if resource != "Questionnaire" {
        let hint =
            if resource == "Bundle" { "; take the Questionnaire out of the Bundle" } else { "" };
        let message =
            format!("this is a resource of type {}, not a Questionnaire{hint}", quoted(resource));
        problems.report(&place, message);
        return None;
    }
    let items = count(tree);
    if items > ITEMS_MAX {
        problems.report(&place, too_many(items));
        return None;
    }
    let mut reader = Reader {
        root: tree,
        language: String::new(),
        problems,
        draft: Draft::default(),
        variables: BTreeMap::new(),
        effort: path::EFFORT_MAX,
        options: 0,
        totals: Vec::new(),
        notes: Vec::new(),
    };
    reader.questionnaire(&Element::new(tree, &place));
    Some(reader.draft)
}

/// How many items there are, those in items included. Displays and groups count too, since they have to be read.
fn count(node: &Node) -> usize {
    let items = node.entry("item").map(Node::elements).unwrap_or_default();
    items.iter().map(|item| 1 + count(item)).sum()
}

/// Variables of `FHIRPath` without their spaces, by their names.
type Variables<'n> = BTreeMap<&'n str, Rc<str>>;

struct Reader<'n, 'a, 'p, 's> {
    root: &'n Node<'a>,
    /// Of texts that are no translations; empty where it is not said.
    language: String,
    problems: &'p mut Problems<'s>,
    draft: Draft,
    /// Those of the items that the reader is in.
    variables: Variables<'n>,
    /// How much more is done for calculations.
    effort: usize,
    /// How many options there are so far.
    options: usize,
    /// Calculated items, which are read when all others are known.
    totals: Vec<Total<'n, 'a>>,
    /// Texts that belong to the next section.
    notes: Vec<Words>,
}

/// An item that is calculated from others.
struct Total<'n, 'a> {
    element: Element<'n, 'a>,
    variables: Variables<'n>,
    /// The items beside it.
    siblings: &'n [Node<'a>],
    /// Which of them it is.
    position: usize,
}

impl<'n, 'a> Reader<'n, 'a, '_, '_> {
    fn questionnaire(&mut self, element: &Element<'n, 'a>) {
        self.understand(element, "Questionnaire");
        if element.node.entry("implicitRules").is_some() {
            self.problems.report(
                &element.place.part("implicitRules"),
                "the file follows rules of its own, which are not known here; export it without them",
            );
        }
        if let Some(language) = self.string(element, "language") {
            if let Some(language) = Language::new(language) {
                language.tag().clone_into(&mut self.language);
            } else {
                let message =
                    format!("{} is no language; give a tag such as `en`", quoted(language));
                self.problems.report(&element.place.part("language"), message);
            }
        }
        self.draft.title = self.words(element, "title");
        if self.draft.title.is_empty() {
            let name = self.words(element, "name");
            if name.is_empty() {
                let place = element.place.part("title");
                self.problems.report(&place, "there is no title; give one, which patients read");
            }
            self.draft.title = name;
        }
        self.draft.introduction = self.words(element, "description");
        self.declare(element);
        let items = element.node.entry("item").map(Node::elements).unwrap_or_default();
        self.items(items, element, &Words::default(), 0);
        let notes = core::mem::take(&mut self.notes);
        self.trailing(notes);
        for total in core::mem::take(&mut self.totals) {
            self.total(&total);
        }
    }

    /// Reads items that stand beside one another in `parent`, under a title.
    fn items(
        &mut self,
        nodes: &'n [Node<'a>],
        parent: &Element<'n, 'a>,
        title: &Words,
        depth: usize,
    ) {
        // Whether the last section is that of these items, so that a question goes into it.
        let mut open = false;
        // Texts that belong to the next question.
        let mut told = Vec::new();
        for (position, node) in nodes.iter().enumerate() {
            let Some(element) = self.item_element(node, parent, position) else { continue };
            let outer = self.variables.clone();
            self.declare(&element);
            self.understand(&element, "item");
            let kind = self.string(&element, "type").unwrap_or_default();
            match kind {
                "display" => {
                    self.condition(&element);
                    let text = self.words(&element, "text");
                    if open { told.push(text) } else { self.notes.push(text) }
                }
                "group" => {
                    self.trailing(core::mem::take(&mut told));
                    open = false;
                    self.group(&element, title, depth);
                }
                _ if total::is_total(&element, kind) => {
                    let variables = self.variables.clone();
                    self.totals.push(Total { element, variables, siblings: nodes, position });
                }
                kind => {
                    if !open {
                        let help = join(core::mem::take(&mut self.notes));
                        let (place, title) = (element.place.clone(), title.clone());
                        self.draft.sections.push(DraftSection {
                            place,
                            title,
                            help,
                            items: Vec::new(),
                        });
                        open = true;
                    }
                    let item = self.question(&element, kind, join(core::mem::take(&mut told)));
                    if let Some(section) = self.draft.sections.last_mut() {
                        section.items.push(item);
                    }
                }
            }
            self.variables = outer;
        }
        self.trailing(told);
    }

    /// The item at `node`, with a place that names it.
    fn item_element(
        &mut self,
        node: &'n Node<'a>,
        parent: &Element<'n, 'a>,
        position: usize,
    ) -> Option<Element<'n, 'a>> {
        let name = match node.entry("linkId").and_then(Node::as_text) {
            Some(id) => format!("item linkId {}", quoted(id)),
            None => format!("item {} without linkId", position + 1),
        };
        // A linkId is found by itself, whatever it stands in.
        let outer =
            if node.entry("linkId").is_some() { Place::fhir() } else { parent.place.clone() };
        let place = outer.part(&name).at(node.at);
        if matches!(node.value, Value::Table(_)) {
            return Some(Element::new(node, &place));
        }
        self.problems
            .report(&place, format!("this is {}; an item is an object", node.value.name()));
        None
    }

    fn group(&mut self, element: &Element<'n, 'a>, outer: &Words, depth: usize) {
        self.condition(element);
        if element.flag("repeats") {
            let message = "this group is asked several times; ask it once";
            self.problems.report(&element.place.part("repeats"), message);
        }
        if depth == GROUPS_MAX {
            let message =
                format!("groups stand in one another more than {GROUPS_MAX} deep; flatten them");
            self.problems.report(&element.place, message);
            return;
        }
        let text = self.prefixed(element);
        let joined = outer.clone().and(" – ", &text);
        // What is too long for a title is told below it.
        let title = if joined.len() > SHORT_TEXT_MAX {
            self.notes.push(text);
            outer.clone()
        } else {
            joined
        };
        let items = element.node.entry("item").map(Node::elements).unwrap_or_default();
        self.items(items, element, &title, depth + 1);
    }

    /// Adds texts that no question follows to the help of the last one.
    fn trailing(&mut self, notes: Vec<Words>) {
        let last = self.draft.sections.last_mut().and_then(|section| section.items.last_mut());
        if let Some(item) = last {
            item.help = core::mem::take(&mut item.help).and("\n", &join(notes));
        }
    }

    /// Takes note of the variables that are declared at an element.
    fn declare(&mut self, element: &Element<'n, 'a>) {
        for (url, node) in element.extensions() {
            let expression = node.entry("valueExpression").filter(|_| url == extension::VARIABLE);
            let field = |key| expression.and_then(|value| value.entry(key)).and_then(Node::as_text);
            if let (Some(name), Some(path)) = (field("name"), field("expression")) {
                if self.variables.len() == VARIABLES_MAX {
                    let message = format!(
                        "there are more than {VARIABLES_MAX} variables here; declare fewer"
                    );
                    self.problems.report(&element.place.part("variable").at(node.at), message);
                    return;
                }
                self.variables.insert(name, path::without_spaces(path).into());
            }
        }
    }
}

/// Several texts one below the other.
fn join(texts: Vec<Words>) -> Words {
    texts.into_iter().fold(Words::default(), |all, text| all.and("\n", &text))
}

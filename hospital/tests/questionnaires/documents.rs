//! Our own shape, in TOML and in JSON: what it can say, and what is told of what it cannot.

use wardsum_hospital::questionnaires::{Imported, PROBLEMS_MAX, read, to_json, to_toml};
use wardsum_protocol::form::{
    ChoicesForm, Coding, Form, ITEMS_MAX, ItemForm, Kind, Language, NumberForm, OptionForm,
    ScaleForm, ScoreForm, ScoreTerm, Section, Steps, Text,
};
use wardsum_protocol::wire::Flag;

use super::{only, only_kind, problems, toml};

const EVERYTHING: &str = r#"
title = { en = "Everything", da = "Alt" }
introduction = { da = "Linje et\nlinje to", en = "Line one\nline two" }
grouping = "arm"

[[section]]
title = { en = "First", da = "Første" }
help = { en = "Help", da = "Hjælp" }

[[section.item]]
id = "arm"
kind = "yes-no"
text = { en = "Were you treated?", da = "Blev du behandlet?" }
code = { system = "http://example.org", code = "arm" }

[[section.item]]
id = "temperature"
kind = "number"
min = 35.0
max = 42.0
step = 0.1
squares = true
optional = true
unit = "°C"
text = { en = "Temperature?", da = "Temperatur?" }
help = { en = "In the morning", da = "Om morgenen" }

[[section]]

[[section.item]]
id = "pain"
kind = "scale"
min = -5
max = 5
text = { en = "Pain?", da = "Smerter?" }
lowest = { en = "better", da = "bedre" }

[[section.item]]
id = "mood"
kind = "choice"
text = { en = "Mood?", da = "Humør?" }
option = [
  { text = { en = "Good", da = "Godt" }, value = -1, code = { code = "LA1" } },
  { text = { en = "Bad", da = "Skidt" }, value = 2 },
]

[[section.item]]
id = "signs"
kind = "choices"
at_most = 1
text = { en = "Signs?", da = "Tegn?" }

[[section.item.option]]
text = { en = "One", da = "En" }

[[section.item.option]]
text = { en = "Two", da = "To" }

[[score]]
id = "total"
code = { system = "urn:example", code = "total" }
title = { en = "Total", da = "I alt" }
items = ["mood", { id = "pain", weight = -2 }]
distribution = true
"#;

fn text(en: &str, da: &str) -> Text {
    let tag = |tag| Language::new(tag).expect("a language");
    Text::localised([(tag("en"), en.to_owned()), (tag("da"), da.to_owned())])
}

fn item(id: &str, question: Text, kind: Kind) -> ItemForm {
    ItemForm::new(id, question, kind)
}

fn steps(min: i128, max: i128, step: u32, decimals: u8) -> Steps {
    Steps { min: min.into(), max: max.into(), step, decimals }
}

fn option(text: Text, value: Option<i32>, code: &str) -> OptionForm {
    let code = Coding { code: code.into(), ..Coding::default() };
    OptionForm { code, text, value: value.map(Into::into) }
}

fn everything() -> Imported {
    let mut arm = item("arm", text("Were you treated?", "Blev du behandlet?"), Kind::YesNo);
    arm.code = Coding { system: "http://example.org".into(), code: "arm".into() };
    let number = NumberForm { range: steps(350, 420, 1, 1), squares: Flag(true) };
    let mut temperature =
        item("temperature", text("Temperature?", "Temperatur?"), Kind::Number(number));
    temperature.optional = Flag(true);
    temperature.unit = text("°C", "°C");
    temperature.help = text("In the morning", "Om morgenen");
    let scale = ScaleForm {
        range: steps(-5, 5, 1, 0),
        lowest: text("better", "bedre"),
        highest: Text::default(),
    };
    let mood = vec![
        option(text("Good", "Godt"), Some(-1), "LA1"),
        option(text("Bad", "Skidt"), Some(2), ""),
    ];
    let signs = ChoicesForm {
        options: vec![option(text("One", "En"), None, ""), option(text("Two", "To"), None, "")],
        at_most: 1,
    };
    let sections = vec![
        Section {
            title: text("First", "Første"),
            help: text("Help", "Hjælp"),
            items: vec![arm, temperature],
        },
        Section {
            title: Text::default(),
            help: Text::default(),
            items: vec![
                item("pain", text("Pain?", "Smerter?"), Kind::Scale(scale)),
                item("mood", text("Mood?", "Humør?"), Kind::Choice(mood)),
                item("signs", text("Signs?", "Tegn?"), Kind::Choices(signs)),
            ],
        },
    ];
    let term = |item, weight: i32| ScoreTerm { item, weight: weight.into() };
    let total = ScoreForm {
        id: "total".into(),
        code: Coding { system: "urn:example".into(), code: "total".into() },
        title: text("Total", "I alt"),
        terms: vec![term(3, 1), term(2, -2)],
        distribution: Flag(true),
    };
    Imported {
        title: text("Everything", "Alt"),
        introduction: text("Line one\nline two", "Linje et\nlinje to"),
        form: Form { sections, grouping: Some(0), scores: vec![total] },
    }
}

/// A document of one item, which ends as given.
fn one(item: &str) -> String {
    format!("title = \"T\"\n[[section]]\n[[section.item]]\nid = \"a\"\ntext = \"A?\"\n{item}\n")
}

#[test]
fn everything_that_a_form_can_be_can_be_written() {
    assert_eq!(toml(EVERYTHING), everything());
}

#[test]
fn what_is_written_down_is_read_as_it_was() {
    let imported = everything();
    assert_eq!(read("a.toml", to_toml(&imported).as_bytes()), Ok(imported.clone()));
    assert_eq!(read("a.json", to_json(&imported).as_bytes()), Ok(imported));
}

#[test]
fn the_example_of_the_manual_is_read() {
    let manual = include_str!("../../../docs/QUESTIONNAIRES.md");
    let (_, example) = manual.split_once("```toml\n").expect("there is an example");
    let (example, _) = example.split_once("```").expect("it ends");
    let imported = toml(example);
    let ids: Vec<&str> = imported.form.items().map(|item| &*item.id.0).collect();
    assert_eq!(ids, ["arm", "temperature", "pain", "fever"]);
    assert_eq!((imported.form.grouping, imported.form.scores.len()), (Some(0), 1));
}

#[test]
fn json_has_the_same_shape() {
    let json = r#"{
        "language": "da", "title": "T", "introduction": null,
        "section": [{ "item": [{ "id": "a", "kind": "number", "text": "A?", "min": 0.50, "max": "2.50", "step": 0.50 }] }]
    }"#;
    let imported = read("a.json", json.as_bytes()).expect("it is read");
    assert_eq!(imported.title.languages().collect::<Vec<_>>(), ["da"]);
    let range = steps(1, 5, 50, 2);
    assert_eq!(only_kind(&imported), &Kind::Number(NumberForm { range, squares: Flag(false) }));
    let without_ending = read("upload", json.as_bytes());
    assert_eq!(without_ending, Ok(imported.clone()), "the first character says that it is JSON");
    assert_eq!(read("upload", to_toml(&imported).as_bytes()), Ok(imported), "and that it is not");
}

#[test]
fn decimals_are_never_binary() {
    // None of these is a binary number, and their binary neighbours are no multiples of one another.
    let imported = toml(&one("kind = \"number\"\nmin = 0.3\nmax = 1234567890123.7\nstep = 0.1"));
    let range = steps(3, 12_345_678_901_237, 1, 1);
    assert_eq!(only_kind(&imported), &Kind::Number(NumberForm { range, squares: Flag(false) }));
    // Next to a tenth, but not a tenth.
    let found = problems(
        "a.toml",
        one("kind = \"number\"\nmin = 0\nmax = 1\nstep = 0.1000000000000000055"),
    );
    assert!(found[0].1.contains("more than 9 decimals"), "{found:?}");
    let found = problems("a.toml", one("kind = \"number\"\nmin = 0.05\nmax = 1\nstep = 0.1"));
    assert!(found[0].1.contains("multiples of the step 0.1"), "{found:?}");
    // More digits than a binary number holds survive being written down.
    let exact = toml(&one("kind = \"number\"\nmin = 0\nmax = 123456789012345678.25\nstep = 0.25"));
    assert_eq!(read("a.toml", to_toml(&exact).as_bytes()), Ok(exact.clone()));
    assert_eq!(read("a.json", to_json(&exact).as_bytes()), Ok(exact));
}

#[test]
fn texts_are_kept_as_the_text_that_they_are() {
    let html = "<script>alert('1')</script> & <b>bold</b> {{ x }} ${y}";
    let imported = toml(&one(&format!("kind = \"yes-no\"\nhelp = \"\"\"{html}\"\"\"")));
    assert_eq!(only(&imported).help.first(), html);
    assert_eq!(read("a.toml", to_toml(&imported).as_bytes()), Ok(imported.clone()));
    assert_eq!(read("a.json", to_json(&imported).as_bytes()), Ok(imported));
}

#[test]
fn every_problem_is_told_with_its_place() {
    let source = r#"title = "T"
colour = "red"
grouping = "nobody"

[[section]]
[[section.item]]
id = "a b"
kind = "yes-no"
text = ""
min = 1

[[section.item]]
kind = "slider"
text = "Which?"

[[section.item]]
id = "c"
kind = "number"
text = 7
max = true

[[section.item]]
id = "c"
kind = "choice"
text = { en = "C?" }
option = [{ text = "Only one", value = 1.5 }]

[[section]]

[[score]]
id = "s"
title = "S"
items = ["c", "z", 3]
"#;
    let errors = read("a.toml", source.as_bytes()).expect_err("it is full of problems");
    let told: Vec<String> = errors.problems.iter().map(ToString::to_string).collect();
    let expected = [
        "line 10, column 7: section[0].item[0].min: only an item of kind number or scale has this; remove it, or change the kind",
        "line 12, column 1: section[0].item[1].id: this is missing; give an id of letters from a to z, digits, and -._/",
        "line 13, column 8: section[0].item[1].kind: there is no kind \"slider\"; give yes-no, number, scale, choice or choices",
        "line 19, column 8: section[0].item[2].text: this is a number; give a text, or a table of texts by language",
        "line 16, column 1: section[0].item[2].min: this is missing; give the smallest number",
        "line 20, column 7: section[0].item[2].max: this is true or false; give a number",
        "line 26, column 40: section[0].item[3].option[0].value: 1.5 is no whole number, or out of range",
        "line 33, column 20: score[0].items[2]: this is a number; give the id of an item, or a table of `id` and `weight`",
        "line 2, column 10: colour: there is no \"colour\" here; there is: grouping, introduction, language, score, section, title",
        "line 7, column 6: section[0].item[0].id: the id \"a b\" is not 1 to 64 letters from a to z, digits, and -._/; rename it",
        "line 9, column 8: section[0].item[0].text: there is no text; give one",
        "line 23, column 6: section[0].item[3].id: the id \"c\" is taken already, at line 17, column 6; give each its own",
        "line 25, column 8: section[0].item[3].text: the text is not given in a language that is not said, but that of title is; give every text in the same languages",
        "line 25, column 8: section[0].item[3].text: the text is given in \"en\", but that of title is not; give every text in the same languages",
        "line 28, column 1: section[1]: there is no question in this section; ask one, or remove it",
        "line 3, column 12: grouping: there is no item \"nobody\"; name one by its id",
        "line 33, column 15: score[0].items[1]: there is no item \"z\"; name one by its id",
    ];
    for (told, expected) in told.iter().zip(&expected) {
        assert_eq!(told, expected, "among {told:#?}");
    }
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    let json = serde_json::to_value(&errors).expect("problems are JSON");
    assert_eq!(json["problems"][0]["place"], "section[0].item[0].min");
    assert_eq!(json["problems"][0]["line"], 10);
}

#[test]
fn what_cannot_be_asked_is_told_of_its_item() {
    let option = "{ text = \"x\" }";
    for (item, expected) in [
        (
            "kind = \"number\"\nmin = 1\nmax = 1",
            "the largest number 1 has to be more than the smallest 1",
        ),
        ("kind = \"number\"\nmin = 0\nmax = 1\nstep = 0", "the step 0 is not more than zero"),
        ("kind = \"number\"\nmin = 0\nmax = 1\nstep = -1", "the step -1 is not more than zero"),
        ("kind = \"number\"\nmin = 0\nmax = nan", "is no decimal number"),
        ("kind = \"number\"\nmin = 0\nmax = \"1,5\"", "is no decimal number"),
        ("kind = \"number\"\nmin = 0\nmax = 1979-05-27", "this is a time"),
        (
            "kind = \"number\"\nmin = 0\nmax = 10000000000000000000000000000000000000000",
            "is no decimal number",
        ),
        ("kind = \"number\"\nmin = 0\nmax = 0xfffffffffffffffffffffffffffffffff", "\"0xfff"),
        (
            "kind = \"number\"\nmin = 0\nmax = 100000000000000000000\nsquares = true",
            "squares of so large numbers",
        ),
        ("kind = \"scale\"\nmin = 0\nmax = 1000", "no more than 1000 numbers; ask for a number"),
        ("kind = \"choice\"", "this is missing; give the options"),
        (&format!("kind = \"choice\"\noption = [{option}]"), "of 1 options 1 may be chosen"),
        (
            &format!("kind = \"choices\"\nat_most = 2\noption = [{option}]"),
            "of 1 options 2 may be chosen",
        ),
        (
            &format!("kind = \"choices\"\nat_most = 0\noption = [{option}]"),
            "of 1 options 0 may be chosen",
        ),
        (
            &format!("kind = \"choices\"\nat_most = 70000\noption = [{option}]"),
            "70000 is no whole number, or out of range",
        ),
        (
            &format!("kind = \"choice\"\noption = [{}]", vec![option; 1_001].join(",")),
            "too much for one answer",
        ),
        ("kind = \"yes-no\"\nhelp = \"a\\u0007b\"", "control character"),
        ("kind = \"yes-no\"\nunit = \"a\\nb\"", "give one line"),
        (
            &format!("kind = \"yes-no\"\nhelp = \"{}\"", "x".repeat(2_001)),
            "the text has 2001 bytes",
        ),
        (
            &format!("kind = \"yes-no\"\ncode = {{ system = \"{}\" }}", "x".repeat(256)),
            "longer than 255 bytes",
        ),
        ("kind = \"yes-no\"\ncode = \"44250-9\"", "this is a text; give a table"),
        ("kind = \"yes-no\"\noptional = \"yes\"", "this is a text; give true or false"),
    ] {
        let found = problems("a.toml", one(item));
        assert!(found.iter().any(|(_, message)| message.contains(expected)), "{item}: {found:?}");
    }
}

#[test]
fn languages_are_named_properly_and_the_same_everywhere() {
    let texts = |title: &str, text: &str| {
        format!(
            "title = {title}\n[[section]]\n[[section.item]]\nid = \"a\"\nkind = \"yes-no\"\ntext = {text}\n"
        )
    };
    let swapped = toml(&texts("{ de = \"D\", en = \"E\" }", "{ en = \"e\", DE = \"d\" }"));
    assert_eq!(
        only(&swapped).text.languages().collect::<Vec<_>>(),
        ["de", "en"],
        "in the order of the title"
    );
    for (title, text, expected) in [
        ("{ de = \"D\", en = \"E\" }", "{ de = \"d\" }", "is not given in \"en\""),
        ("{ de = \"D\" }", "{ de = \"d\", en = \"e\" }", "is given in \"en\""),
        ("{ de = \"D\", en = \"E\" }", "{ de = \"d\", en = \"\" }", "is not given in \"en\""),
        ("{ german = \"D\" }", "{ german = \"d\" }", "\"german\" is no language"),
        ("{ de = \"D\", DE = \"D\" }", "{ de = \"d\" }", "is there twice"),
        ("{ de = 1 }", "\"d\"", "this is a number; give a text"),
        (
            "{ aa = \"1\", ab = \"1\", ac = \"1\", ad = \"1\", ae = \"1\", af = \"1\", ag = \"1\", ah = \"1\", ai = \"1\" }",
            "\"d\"",
            "there are 9 languages",
        ),
    ] {
        let found = problems("a.toml", texts(title, text));
        assert!(found.iter().any(|(_, message)| message.contains(expected)), "{title}: {found:?}");
    }
}

#[test]
fn scores_add_up_what_has_a_value() {
    let items = r#"title = "T"
[[section]]
item = [
  { id = "yes", kind = "yes-no", text = "?" },
  { id = "half", kind = "number", min = 0, max = 1, step = 0.5, text = "?" },
  { id = "bare", kind = "choice", text = "?", option = [{ text = "x", value = 1 }, { text = "y" }] },
  { id = "same", kind = "choice", text = "?", option = [{ text = "x", value = 1 }, { text = "y", value = 1 }] },
]
"#;
    let score = |items_of: &str| {
        format!("{items}[[score]]\nid = \"s\"\ntitle = \"S\"\nitems = {items_of}\n")
    };
    assert_eq!(
        toml(&score("[{ id = \"yes\", weight = 3 }]")).form.scores[0].terms[0].weight,
        3.into()
    );
    for (of, expected) in [
        ("[\"half\"]", "only whole numbers, in steps of 1"),
        ("[\"bare\"]", "its option 2 has no value"),
        ("[\"yes\", \"yes\"]", "in this score twice"),
        ("[{ id = \"yes\", weight = 0 }]", "its weight is zero"),
        ("[{ id = \"yes\", weight = 1.5 }]", "1.5 is no whole number"),
        ("[]", "there is no item in this score"),
        ("[\"same\"]", "the same for everybody"),
    ] {
        let found = problems("a.toml", score(of));
        assert!(found.iter().any(|(_, message)| message.contains(expected)), "{of}: {found:?}");
    }
    let many = "[[score]]\nid = \"s\"\ntitle = \"S\"\nitems = [\"yes\"]\n".repeat(101);
    let found = problems("a.toml", format!("{items}{many}"));
    assert_eq!(found[0].1, "there are 101 scores; give 100 at most");
    let grouped = |by: &str| format!("grouping = \"{by}\"\n{items}");
    assert!(problems("a.toml", grouped("half"))[0].1.contains("tells no groups apart"));
}

#[test]
fn too_many_items_are_refused_at_once() {
    let item = |number: usize| {
        format!("[[section.item]]\nid = \"i{number}\"\nkind = \"yes-no\"\ntext = \"?\"\n")
    };
    let document = |items: usize| {
        let items: String = (0..items).map(item).collect();
        format!("title = \"T\"\n[[section]]\n{items}")
    };
    assert_eq!(toml(&document(ITEMS_MAX)).form.items().count(), ITEMS_MAX);
    for items in [ITEMS_MAX + 1, 10_000] {
        let found = problems("a.toml", document(items));
        assert_eq!(
            found,
            [(String::new(), format!("there are {items} items; no more than 500 can be asked"))]
        );
    }
    // As many as there may be, and something wrong with each.
    let wrong: String =
        (0..ITEMS_MAX).map(|number| item(number).replace("\"?\"", "\"\"")).collect();
    let found = problems("a.toml", format!("title = \"T\"\n[[section]]\n{wrong}"));
    assert_eq!(found.len(), PROBLEMS_MAX);
    assert!(
        found[PROBLEMS_MAX - 1].1.starts_with("there are 401 more problems"),
        "{:?}",
        found.last()
    );
}

#[test]
fn more_than_one_answer_can_hold_is_refused_as_a_whole() {
    let scale = "kind = \"scale\"\nmin = 0\nmax = 100\ntext = \"?\"\n";
    let item = |number| format!("[[section.item]]\nid = \"i{number}\"\n{scale}");
    let items = (0..12).map(item).collect::<Vec<_>>().concat();
    let found = problems("a.toml", format!("title = \"T\"\n[[section]]\n{items}"));
    assert!(found[0].1.contains("too much for one answer") && found.len() == 1, "{found:?}");
}

/// Few elements, but each score in each group is a number of its own.
#[test]
fn more_numbers_than_a_result_can_have_are_refused_as_a_whole() {
    let document = |wards: u32| {
        let option = |ward| format!("{{ text = \"Ward {ward}\" }}");
        let options = (1..=wards).map(option).collect::<Vec<_>>().join(",");
        let score =
            |number| format!("[[score]]\nid = \"s{number}\"\ntitle = \"S\"\nitems = [\"n\"]\n");
        let scores = (1..=100).map(score).collect::<Vec<_>>().concat();
        format!(
            "title = \"T\"\ngrouping = \"ward\"\n[[section]]\n[[section.item]]\nid = \"ward\"\ntext = \"?\"\n\
             kind = \"choice\"\noption = [{options}]\n[[section.item]]\nid = \"n\"\ntext = \"?\"\nkind = \"number\"\n\
             min = 0\nmax = 9\n{scores}"
        )
    };
    // In each ward the number and a hundred scores, and all that again of everybody.
    let questionnaire = toml(&document(18)).form.questionnaire().expect("it can be asked");
    assert_eq!(questionnaire.output_len(), 19 * 101 + 18);
    let found = problems("a.toml", document(20));
    assert!(found[0].1.starts_with("2141 numbers or more would be found out"), "{found:?}");
    assert!(found[0].1.contains("no more than 2000") && found.len() == 1, "{found:?}");
}

//! Questionnaires of FHIR: what becomes of what can be asked.

use serde_json::{Value, json};
use wardsum_hospital::questionnaires::read;
use wardsum_protocol::form::{Coding, Kind, NumberForm, ScaleForm, Steps, Text};
use wardsum_protocol::wire::Flag;

use super::{fhir, only, only_kind, with_items};

const STRUCTURE: &str = "http://hl7.org/fhir/StructureDefinition/";

fn extension(name: &str, key: &str, value: &Value) -> Value {
    json!({ "url": format!("{STRUCTURE}{name}"), key: value })
}

fn item(kind: &str, more: &Value) -> Value {
    let mut item = json!({ "linkId": "q", "type": kind, "text": "Question?", "required": true });
    for (key, value) in more.as_object().expect("an object") {
        item[key] = value.clone();
    }
    item
}

/// An item with these extensions.
fn extended(kind: &str, extensions: &[Value]) -> Value {
    item(kind, &json!({ "extension": extensions }))
}

fn kind_of(item: &Value) -> Kind {
    only_kind(&fhir(&with_items(&json!([item])))).clone()
}

fn steps(min: i128, max: i128, step: u32, decimals: u8) -> Steps {
    Steps { min: min.into(), max: max.into(), step, decimals }
}

fn number(range: Steps, squares: bool) -> Kind {
    Kind::Number(NumberForm { range, squares: Flag(squares) })
}

fn min_max(key: &str, min: &Value, max: &Value) -> Vec<Value> {
    vec![extension("minValue", key, min), extension("maxValue", key, max)]
}

/// Texts and values of the options.
fn options(kind: &Kind) -> Vec<(String, Option<i32>)> {
    let options = match kind {
        Kind::Choice(options) => options,
        Kind::Choices(choices) => &choices.options,
        other => panic!("{other:?} has no options"),
    };
    let option = |option: &wardsum_protocol::form::OptionForm| {
        (option.text.first().to_owned(), option.value.map(i32::from))
    };
    options.iter().map(option).collect()
}

fn translated(texts: &[(&str, &str)]) -> Value {
    let translation = |(lang, content): &(&str, &str)| {
        let parts = [
            json!({ "url": "lang", "valueCode": lang }),
            json!({ "url": "content", "valueString": content }),
        ];
        json!({ "url": format!("{STRUCTURE}translation"), "extension": parts })
    };
    json!({ "extension": texts.iter().map(translation).collect::<Vec<_>>() })
}

#[test]
fn a_boolean_is_yes_or_no_and_what_is_not_required_may_stay_open() {
    let imported = fhir(&with_items(&json!([item("boolean", &json!({}))])));
    assert_eq!((only_kind(&imported), only(&imported).optional), (&Kind::YesNo, Flag(false)));
    let open = json!([{ "linkId": "q", "type": "boolean", "text": "?" }]);
    assert_eq!(only(&fhir(&with_items(&open))).optional, Flag(true));
}

#[test]
fn numbers_have_bounds_and_steps() {
    let integer = extended("integer", &min_max("valueInteger", &json!(-3), &json!(120)));
    assert_eq!(kind_of(&integer), number(steps(-3, 120, 1, 0), true));

    let mut tenths = min_max("valueDecimal", &json!(35.0), &json!(42));
    tenths.push(extension("maxDecimalPlaces", "valueInteger", &json!(1)));
    assert_eq!(kind_of(&extended("decimal", &tenths)), number(steps(350, 420, 1, 1), true));

    let mut fives = min_max("valueInteger", &json!(0), &json!(100));
    fives.push(extension("questionnaire-sliderStepValue", "valueInteger", &json!(5)));
    assert_eq!(kind_of(&extended("integer", &fives)), number(steps(0, 20, 5, 0), true));

    let mut halves = min_max("valueDecimal", &json!(0.5), &json!(4.0));
    let danish = "http://ehealth.sundhed.dk/fhir/StructureDefinition/ehealth-questionnaire-sliderStepValueDecimal";
    halves.push(json!({ "url": danish, "valueDecimal": 0.5 }));
    assert_eq!(kind_of(&extended("decimal", &halves)), number(steps(1, 8, 5, 1), true));

    // Numbers so large that the sum of their squares does not fit have no squares.
    let large = min_max("valueDecimal", &json!(0), &json!(9_007_199_254_740_991_u64));
    let mut large = large;
    large.push(extension("maxDecimalPlaces", "valueInteger", &json!(9)));
    let max = 9_007_199_254_740_991 * 1_000_000_000;
    assert_eq!(kind_of(&extended("decimal", &large)), number(steps(0, max, 1, 9), false));
}

#[test]
fn a_quantity_with_bounds_is_a_number_in_its_unit() {
    let quantity = |value: i32| json!({ "value": value, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg" });
    let sdc = |name: &str, value: &Value| json!({ "url": format!("http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-{name}"), "valueQuantity": value });
    let mut extensions =
        vec![sdc("minQuantity", &quantity(30)), sdc("maxQuantity", &quantity(250))];
    extensions.push(extension("maxDecimalPlaces", "valueInteger", &json!(0)));
    let imported = fhir(&with_items(&json!([extended("quantity", &extensions)])));
    assert_eq!(only_kind(&imported), &number(steps(30, 250, 1, 0), true));
    assert_eq!(only(&imported).unit.first(), "kg");
}

#[test]
fn the_unit_is_kept_in_every_language() {
    let unit = json!({ "system": "http://unitsofmeasure.org", "code": "Cel", "display": "°C" });
    let mut extensions = min_max("valueInteger", &json!(30), &json!(45));
    extensions.push(extension("questionnaire-unit", "valueCoding", &unit));
    let mut resource = with_items(&json!([extended("integer", &extensions)]));
    resource["language"] = json!("en");
    resource["_title"] = translated(&[("de", "Ein Fragebogen")]);
    resource["item"][0]["_text"] = translated(&[("de", "Frage?")]);
    let imported = fhir(&resource);
    let unit = &only(&imported).unit;
    assert_eq!((unit.preferred(["en"]), unit.preferred(["de"])), ("°C", "°C"));
    assert_eq!(unit.languages().collect::<Vec<_>>(), ["en", "de"]);
}

#[test]
fn options_are_codings_texts_or_numbers() {
    let ordinal = |value: f64| json!([extension("ordinalValue", "valueDecimal", &json!(value))]);
    let codings = item(
        "choice",
        &json!({ "answerOption": [
            { "valueCoding": { "system": "http://loinc.org", "code": "LA1", "display": "None" }, "extension": ordinal(0.0) },
            { "valueCoding": { "code": "LA2", "display": "Some", "extension": ordinal(1.0) } },
            { "valueCoding": { "display": "Unknown" } },
        ]}),
    );
    let kind = kind_of(&codings);
    assert_eq!(
        options(&kind),
        [("None".into(), Some(0)), ("Some".into(), Some(1)), ("Unknown".into(), None)]
    );
    let Kind::Choice(choice) = &kind else { panic!("a choice") };
    assert_eq!(choice[0].code, Coding { system: "http://loinc.org".into(), code: "LA1".into() });
    assert_eq!(choice[1].code, Coding { system: "".into(), code: "LA2".into() });

    let weight = json!([extension("itemWeight", "valueDecimal", &json!(-2))]);
    let texts = item(
        "choice",
        &json!({ "answerOption": [
            { "valueString": "Left", "extension": weight }, { "valueString": "Right" },
        ]}),
    );
    assert_eq!(options(&kind_of(&texts)), [("Left".into(), Some(-2)), ("Right".into(), None)]);

    let gap =
        item("integer", &json!({ "answerOption": [{ "valueInteger": 1 }, { "valueInteger": 5 }] }));
    assert_eq!(options(&kind_of(&gap)), [("1".into(), Some(1)), ("5".into(), Some(5))]);
}

#[test]
fn numbers_one_after_the_other_are_a_scale() {
    let numbers: Vec<Value> = (1..=7).map(|number| json!({ "valueInteger": number })).collect();
    for kind in ["choice", "integer"] {
        let scale = item(kind, &json!({ "answerOption": numbers }));
        let expected = ScaleForm {
            range: steps(1, 7, 1, 0),
            lowest: Text::default(),
            highest: Text::default(),
        };
        assert_eq!(kind_of(&scale), Kind::Scale(expected));
    }
    let several = item("choice", &json!({ "answerOption": numbers, "repeats": true }));
    assert_eq!(options(&kind_of(&several)).len(), 7);
}

#[test]
fn a_slider_with_named_ends_is_a_scale() {
    let control = |code: &str| {
        extension(
            "questionnaire-itemControl",
            "valueCodeableConcept",
            &json!({ "coding": [{ "code": code }] }),
        )
    };
    let mut extensions = min_max("valueInteger", &json!(0), &json!(10));
    extensions.push(control("slider"));
    let display = |id: &str, code: &str, text: &str| json!({ "linkId": id, "type": "display", "text": text, "extension": [control(code)] });
    let slider = item(
        "integer",
        &json!({ "extension": extensions, "item": [
            display("q-low", "lower", "no pain"),
            display("q-high", "upper", "worst pain"),
            { "linkId": "q-help", "type": "display", "text": "Think of today." },
        ]}),
    );
    let imported = fhir(&with_items(&json!([slider])));
    let expected = ScaleForm {
        range: steps(0, 10, 1, 0),
        lowest: "no pain".into(),
        highest: "worst pain".into(),
    };
    assert_eq!(only_kind(&imported), &Kind::Scale(expected));
    assert_eq!(only(&imported).help.first(), "Think of today.");
}

#[test]
fn what_repeats_allows_several_options() {
    let choices = |more: &Value| {
        let options =
            json!([{ "valueString": "a" }, { "valueString": "b" }, { "valueString": "c" }]);
        let mut item = item("choice", &json!({ "repeats": true, "answerOption": options }));
        item["extension"] = more.clone();
        match kind_of(&item) {
            Kind::Choices(choices) => choices.at_most,
            other => panic!("{other:?} is not several choices"),
        }
    };
    assert_eq!(choices(&json!([])), 3);
    assert_eq!(
        choices(&json!([extension("questionnaire-maxOccurs", "valueInteger", &json!(2))])),
        2
    );
    assert_eq!(
        choices(&json!([extension("questionnaire-maxOccurs", "valueInteger", &json!(9))])),
        3
    );
    assert_eq!(
        choices(&json!([extension("questionnaire-minOccurs", "valueInteger", &json!(1))])),
        3
    );
}

#[test]
fn value_sets_are_read_from_the_file() {
    let ordinal = json!([extension("ordinalValue", "valueDecimal", &json!(3))]);
    let composed = json!({ "resourceType": "ValueSet", "id": "set", "compose": { "include": [
        { "system": "http://loinc.org", "concept": [
            { "code": "LA1", "display": "No", "designation": [{ "language": "de", "value": "Nein" }, { "value": "Nope" }] },
            { "code": "LA2", "display": "Yes", "extension": ordinal, "_display": translated(&[("de", "Ja")]) },
        ]},
    ]}});
    let expanded = json!({ "resourceType": "ValueSet", "id": "set", "expansion": { "total": 2, "contains": [
        { "system": "http://loinc.org", "code": "LA1", "display": "No", "_display": translated(&[("de", "Nein")]) },
        { "system": "http://loinc.org", "code": "LA2", "display": "Yes", "extension": ordinal,
          "designation": [{ "language": "de", "value": "Ja" }] },
    ]}});
    for set in [composed, expanded] {
        let mut resource =
            with_items(&json!([item("choice", &json!({ "answerValueSet": "#set" }))]));
        resource["language"] = json!("en");
        resource["contained"] = json!([{ "resourceType": "Patient", "id": "p" }, set]);
        resource["_title"] = translated(&[("de", "Ein Fragebogen")]);
        resource["item"][0]["_text"] = translated(&[("de", "Frage?")]);
        let imported = fhir(&resource);
        let Kind::Choice(options) = only_kind(&imported) else { panic!("a choice") };
        assert_eq!(options[1].value.map(i32::from), Some(3));
        assert_eq!(&*options[1].code.system.0, "http://loinc.org");
        assert_eq!(
            (options[0].text.preferred(["de"]), options[1].text.preferred(["de"])),
            ("Nein", "Ja")
        );
        // The same by the address that it has everywhere.
        resource["contained"][1]["url"] = json!("http://example.org/ValueSet/set");
        resource["item"][0]["answerValueSet"] = json!("http://example.org/ValueSet/set|1.0");
        assert_eq!(fhir(&resource), imported);
    }
}

#[test]
fn groups_are_sections_and_displays_are_help() {
    let question = |id: &str| json!({ "linkId": id, "type": "boolean", "text": format!("{id}?") });
    let display =
        |text: &str| json!({ "linkId": format!("d-{text}"), "type": "display", "text": text });
    let imported = fhir(&with_items(&json!([
        display("welcome"),
        question("a"),
        display("before b"),
        question("b"),
        { "linkId": "g", "type": "group", "text": "Outer", "item": [
            display("outer help"),
            question("c"),
            { "linkId": "h", "type": "group", "text": "Inner", "item": [question("d"), display("after d")] },
            question("e"),
        ]},
        { "linkId": "long", "type": "group", "text": "x".repeat(300), "item": [question("f")] },
        display("goodbye"),
    ])));
    let form = &imported.form;
    let shown: Vec<String> = form
        .sections
        .iter()
        .map(|section| {
            let items =
                section.items.iter().map(|item| format!("{}[{}]", item.id.0, item.help.first()));
            format!(
                "{}({}): {}",
                section.title.first(),
                section.help.first(),
                items.collect::<Vec<_>>().join(" ")
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            "(welcome): a[] b[before b]".to_owned(),
            "Outer(outer help): c[]".to_owned(),
            "Outer – Inner(): d[after d]".to_owned(),
            "Outer(): e[]".to_owned(),
            format!("({}): f[goodbye]", "x".repeat(300)),
        ]
    );
}

#[test]
fn codes_prefixes_titles_and_descriptions_are_kept() {
    let mut resource = with_items(&json!([item(
        "boolean",
        &json!({
            "prefix": "1.",
            "code": [{ "system": "http://loinc.org", "code": "44250-9" }, { "code": "other" }],
        })
    )]));
    resource["description"] = json!("About\nthis");
    let imported = fhir(&resource);
    assert_eq!(only(&imported).text.first(), "1. Question?");
    assert_eq!(
        only(&imported).code,
        Coding { system: "http://loinc.org".into(), code: "44250-9".into() }
    );
    assert_eq!(
        (imported.title.first(), imported.introduction.first()),
        ("A questionnaire", "About\nthis")
    );
    resource.as_object_mut().expect("an object").remove("title");
    resource["name"] = json!("Name");
    assert_eq!(fhir(&resource).title.first(), "Name");
}

#[test]
fn translations_make_texts_of_several_languages() {
    let mut resource = with_items(&json!([item(
        "boolean",
        &json!({
            "prefix": "1.", "_text": translated(&[("da", "Spørgsmål?"), ("DE", "Frage?")]),
        })
    )]));
    resource["language"] = json!("en-US");
    resource["_title"] = translated(&[("de", "Titel"), ("da", "Titel")]);
    let imported = fhir(&resource);
    let text = &only(&imported).text;
    assert_eq!(text.languages().collect::<Vec<_>>(), ["en-us", "de", "da"]);
    assert_eq!(text.preferred(["da"]), "1. Spørgsmål?");
    assert_eq!(text.preferred(["de"]), "1. Frage?");
}

#[test]
fn markup_is_kept_as_text() {
    let html = "<script>alert('1')</script> & <b>bold</b>";
    let mut resource = with_items(&json!([item("boolean", &json!({ "text": html }))]));
    resource["text"] = json!({ "status": "generated", "div": "<div>never read</div>" });
    let imported = fhir(&resource);
    assert_eq!(only(&imported).text.first(), html);
}

/// A form with a number, two scored choices, one without values, and this total at its end.
fn scored(total: &Value) -> Value {
    let choice = |id: &str, first: i32| {
        let option = |value: i32| {
            json!({ "valueString": format!("{value} points"),
                    "extension": [extension("ordinalValue", "valueDecimal", &json!(value))] })
        };
        json!({ "linkId": id, "type": "choice", "text": "?", "answerOption": [option(first), option(first + 1)] })
    };
    let bare = json!({ "linkId": "bare", "type": "choice", "text": "?",
                       "answerOption": [{ "valueString": "x" }, { "valueString": "y" }] });
    let mut days = extended("integer", &min_max("valueInteger", &json!(0), &json!(9)));
    days["linkId"] = json!("days");
    let mut item = json!({ "linkId": "total", "type": "decimal", "text": "Total score" });
    for (key, value) in total.as_object().expect("an object") {
        item[key] = value.clone();
    }
    with_items(&json!([days, choice("a", 0), choice("b", 1), bare, item]))
}

fn calculated(expression: &str) -> Value {
    let expression = json!({ "language": "text/fhirpath", "expression": expression });
    let url =
        "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-calculatedExpression";
    json!({ "readOnly": true, "extension": [{ "url": url, "valueExpression": expression }] })
}

/// Numbers of items with their weights.
fn terms(resource: &Value) -> Vec<(u16, i32)> {
    let imported = fhir(resource);
    let [score] = &*imported.form.scores else { panic!("one score") };
    assert_eq!(
        (&*score.id.0, score.title.first(), score.distribution),
        ("total", "Total score", Flag(false))
    );
    score.terms.iter().map(|term| (term.item, i32::from(term.weight))).collect()
}

#[test]
fn a_calculated_sum_is_a_score() {
    let all = scored(&calculated("%resource.item.answer.value.ordinal().sum()"));
    assert_eq!(terms(&all), [(1, 1), (2, 1)]);
    let one = |id: &str| format!("%resource.item.where(linkId = '{id}').answer.value");
    let weighted = format!("{0}.ordinal() + {0}.ordinal() + {1}", one("a"), one("days"));
    assert_eq!(terms(&scored(&calculated(&weighted))), [(1, 2), (0, 1)]);
}

#[test]
fn a_total_that_says_no_more_is_the_sum_of_the_scored_choices_beside_it() {
    let unit = extension("questionnaire-unit", "valueCoding", &json!({ "display": "{score}" }));
    for total in [json!({ "readOnly": true }), json!({ "extension": [unit] })] {
        assert_eq!(terms(&scored(&total)), [(1, 1), (2, 1)]);
    }
    let mut first = scored(&json!({ "readOnly": true }));
    let items = first["item"].as_array_mut().expect("items");
    items.rotate_right(1);
    assert_eq!(terms(&first), [(1, 1), (2, 1)], "a total may stand first");
}

#[test]
fn a_resource_is_known_by_its_type_whatever_its_name() {
    let resource = with_items(&json!([item("boolean", &json!({}))])).to_string();
    for name in ["q.json", "Q.JSON", "upload", "q.fhir"] {
        assert!(read(name, resource.as_bytes()).is_ok(), "{name}");
    }
}

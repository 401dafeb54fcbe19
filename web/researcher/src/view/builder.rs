//! A questionnaire, built item by item.

use leptos::prelude::*;

use super::fields::{Problems, TextField, TickBox};
use crate::questionnaire::{ItemDraft, Kind, QuestionnaireDraft, ScoreDraft, SectionDraft};
use crate::{browser, text};

/// The form of a questionnaire. Places are those of a questionnaire's file.
#[component]
pub(crate) fn Builder(
    /// What was typed.
    draft: QuestionnaireDraft,
    /// What is wrong with it.
    problems: Problems,
) -> impl IntoView {
    let sections = move || {
        let several = draft.sections.with(Vec::len) > 1;
        let sections = draft.sections.get().into_iter().enumerate();
        let sections = sections.map(
            |(number, section)| view! { <SectionForm draft section number several problems /> },
        );
        sections.collect_view()
    };
    let scores = move || {
        let scores = draft.scores.get().into_iter().enumerate();
        scores
            .map(|(number, score)| view! { <ScoreForm draft score number problems /> })
            .collect_view()
    };
    let add_section = move |_| {
        let number = draft.sections.with_untracked(Vec::len);
        draft.add_section();
        focus_on(&format!("section[{number}].title"));
    };
    let add_score = move |_| {
        let number = draft.scores.with_untracked(Vec::len);
        draft.add_score();
        focus_on(&format!("score[{number}].title"));
    };
    view! {
        <div id="builder">
            <TextField place="language" label=text::LANGUAGE_OF_TEXTS hint=text::LANGUAGE_HINT value=draft.language problems />
            {sections}
            {scores}
            <div class="actions">
                <button id="add-section" type="button" on:click=add_section>{text::ADD_SECTION}</button>
                <button id="add-score" type="button" on:click=add_score>{text::ADD_SCORE}</button>
            </div>
        </div>
    }
}

/// Goes on at a field once it has been drawn anew.
fn focus_on(place: &str) {
    browser::focus_soon(format!("[data-field='{place}']"));
}

#[component]
fn SectionForm(
    draft: QuestionnaireDraft,
    section: SectionDraft,
    number: usize,
    several: bool,
    problems: Problems,
) -> impl IntoView {
    let place = format!("section[{number}]");
    let items = {
        let place = place.clone();
        move || {
            let count = section.items.with(Vec::len);
            let items = section.items.get().into_iter().enumerate();
            let items = items.map(|(number, item)| {
                let place = format!("{place}.item[{number}]");
                view! { <ItemForm draft section item place position=(number, count) problems /> }
            });
            items.collect_view()
        }
    };
    let add = {
        let place = place.clone();
        move |_| {
            let number = section.items.with_untracked(Vec::len);
            draft.add_item(section);
            focus_on(&format!("{place}.item[{number}].text"));
        }
    };
    let remove = move |_| {
        draft.sections.update(|sections| sections.retain(|other| other.key != section.key));
        browser::focus_soon("#add-section");
    };
    view! {
        <fieldset class="builder-section">
            <legend>{text::section(number + 1)}</legend>
            <TextField place=format!("{place}.title") label=text::SECTION_TITLE value=section.title problems />
            <TextField place=format!("{place}.help") label=text::HELP value=section.help problems />
            {items}
            <div class="actions">
                <button type="button" data-testid="add-item" on:click=add>{text::ADD_ITEM}</button>
                {several.then(|| view! { <button type="button" on:click=remove>{text::REMOVE_SECTION}</button> })}
            </div>
        </fieldset>
    }
}

#[component]
fn ItemForm(
    draft: QuestionnaireDraft,
    section: SectionDraft,
    item: ItemDraft,
    place: String,
    /// Its number in the section, and of how many.
    position: (usize, usize),
    problems: Problems,
) -> impl IntoView {
    let (number, count) = position;
    let kind_id = format!("kind-{}", item.key);
    let kind_hint = format!("{kind_id}-hint");
    let kinds = Kind::ALL.map(|kind| {
        let name = kind.name();
        view! { <option value=name selected=move || item.kind.get() == kind>{text::kind(kind)}</option> }
    });
    let choose = move |event: leptos::ev::Event| {
        if let Some(kind) = Kind::of(&event_target_value(&event)) {
            item.kind.set(kind);
        }
    };
    let section_place =
        place.rsplit_once('.').map_or(String::new(), |(section, _)| section.to_owned());
    let shift = {
        let section_place = section_place.clone();
        move |by: isize| {
            let Some(there) = number.checked_add_signed(by).filter(|there| *there < count) else {
                return;
            };
            section.items.update(|items| items.swap(number, there));
            focus_on(&format!("{section_place}.item[{there}].text"));
        }
    };
    let (up, down) = (shift.clone(), shift);
    let remove = move |_| {
        section.items.update(|items| items.retain(|other| other.key != item.key));
        focus_on(&format!("{section_place}.title"));
    };
    let kind = Memo::new(move |_| item.kind.get());
    let parts = {
        let place = place.clone();
        move || view! { <Answers draft item kind=kind.get() place=place.clone() problems /> }
    };
    let at = move |part: &str| format!("{place}.{part}");
    view! {
        <fieldset class="builder-item" data-item=number>
            <legend>{text::item(number + 1)}</legend>
            <TextField place=at("text") label=text::ITEM_TEXT value=item.text problems />
            <TextField place=at("id") label=text::ITEM_ID hint=text::ITEM_ID_HINT value=item.id problems />
            <TextField place=at("help") label=text::HELP value=item.help problems />
            <div class="field">
                <label for=kind_id.clone()>{text::KIND}</label>
                <select id=kind_id data-field=at("kind") aria-describedby=kind_hint.clone() on:change=choose>{kinds}</select>
                <p id=kind_hint.clone() class="hint">{move || text::kind_of(item.kind.get().name())}</p>
            </div>
            {parts}
            <TickBox place=at("optional") label=text::OPTIONAL value=item.optional problems />
            <div class="actions">
                {(number > 0).then(|| view! { <button type="button" class="small" on:click=move |_| up(-1)>{text::UP}</button> })}
                {(number + 1 < count).then(|| view! { <button type="button" class="small" on:click=move |_| down(1)>{text::DOWN}</button> })}
                {(count > 1).then(|| view! { <button type="button" class="small" on:click=remove>{text::REMOVE_ITEM}</button> })}
            </div>
        </fieldset>
    }
}

/// What depends on the kind of an item.
#[component]
fn Answers(
    draft: QuestionnaireDraft,
    item: ItemDraft,
    kind: Kind,
    place: String,
    problems: Problems,
) -> impl IntoView {
    let at = |part: &str| format!("{place}.{part}");
    let range = kind.has_range().then(|| {
        view! {
            <div class="fields">
                <TextField place=at("min") label=text::MIN value=item.min problems number=true />
                <TextField place=at("max") label=text::MAX value=item.max problems number=true />
                <TextField place=at("step") label=text::STEP hint=text::STEP_HINT value=item.step problems number=true />
                <TextField place=at("unit") label=text::UNIT value=item.unit problems />
            </div>
        }
    });
    let squares = (kind == Kind::Number).then(|| {
        view! { <TickBox place=at("squares") label=text::SQUARES hint=text::SQUARES_HINT value=item.squares problems /> }
    });
    let ends = (kind == Kind::Scale).then(|| {
        view! {
            <TextField place=at("lowest") label=text::LOWEST value=item.lowest problems />
            <TextField place=at("highest") label=text::HIGHEST value=item.highest problems />
        }
    });
    let options = kind.has_options().then(|| {
        let place = place.clone();
        view! { <Options draft item place problems /> }
    });
    let at_most = (kind == Kind::Choices).then(|| {
        view! { <TextField place=at("at_most") label=text::AT_MOST hint=text::AT_MOST_HINT value=item.at_most problems number=true /> }
    });
    // Only one item can tell people apart.
    let only_this = move || {
        for other in draft.items() {
            if other.key != item.key && other.groups.get() {
                other.groups.set(false);
            }
        }
    };
    Effect::new(move || {
        if item.groups.get() {
            untrack(only_this);
        }
    });
    let groups = kind.can_group().then(|| {
        view! { <TickBox place=at("groups") label=text::GROUPS hint=text::GROUPS_HINT value=item.groups problems /> }
    });
    view! { {range} {squares} {ends} {options} {at_most} {groups} }
}

#[component]
fn Options(
    draft: QuestionnaireDraft,
    item: ItemDraft,
    place: String,
    problems: Problems,
) -> impl IntoView {
    let options = move || {
        let several = item.options.with(Vec::len) > 2;
        let options = item.options.get().into_iter().enumerate().map(|(number, option)| {
            let at = |part: &str| format!("{place}.option[{number}].{part}");
            let remove = move |_| item.options.update(|options| options.retain(|other| other.key != option.key));
            view! {
                <li class="option">
                    <TextField place=at("text") label=text::OPTION value=option.text problems />
                    <TextField place=at("value") label=text::OPTION_VALUE value=option.value problems number=true />
                    {several.then(|| view! {
                        <button type="button" class="small" on:click=remove>{text::remove_option(number + 1)}</button>
                    })}
                </li>
            }
        });
        options.collect_view()
    };
    let add = move |_| draft.add_option(item);
    view! {
        <ol class="options">{options}</ol>
        <p class="hint">{text::OPTION_VALUE_HINT}</p>
        <button type="button" class="small" data-testid="add-option" on:click=add>{text::ADD_OPTION}</button>
    }
}

#[component]
fn ScoreForm(
    draft: QuestionnaireDraft,
    score: ScoreDraft,
    number: usize,
    problems: Problems,
) -> impl IntoView {
    let at = |part: &str| format!("score[{number}].{part}");
    let items = move || {
        let boxes = draft.items().into_iter().map(|item| {
            let tick = move |event: leptos::ev::Event| {
                let ticked = event_target_checked(&event);
                score.items.update(|items| {
                    items.retain(|other| *other != item.key);
                    if ticked {
                        items.push(item.key);
                    }
                });
            };
            let checked = move || score.items.with(|items| items.contains(&item.key));
            view! {
                <label class="answer">
                    <input type="checkbox" data-item=item.id prop:checked=checked on:change=tick />
                    " " <span>{move || text::item_in_score(&item.id.get(), &item.text.get())}</span>
                </label>
            }
        });
        boxes.collect_view()
    };
    let remove = move |_| {
        draft.scores.update(|scores| scores.retain(|other| other.key != score.key));
        browser::focus_soon("#add-score");
    };
    view! {
        <fieldset class="builder-score">
            <legend>{text::score_number(number + 1)}</legend>
            <TextField place=at("title") label=text::SCORE_TITLE value=score.title problems />
            <TextField place=at("id") label=text::ITEM_ID value=score.id problems />
            <fieldset class="field">
                <legend class="label">{text::SCORE_ITEMS}</legend>
                {items}
            </fieldset>
            <TickBox place=at("distribution") label=text::DISTRIBUTION hint=text::DISTRIBUTION_HINT value=score.distribution problems />
            <div class="actions">
                <button type="button" class="small" on:click=remove>{text::REMOVE_SCORE}</button>
            </div>
        </fieldset>
    }
}

//! The threat model names the tests that try each threat: they have to exist, and to be tests.

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    /// All Rust files below a directory, but for what was built.
    fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "target" && name != "node_modules" && !name.starts_with('.')
            {
                sources(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }

    /// What stands between backticks and could be the name of a test: longer than any name in the text.
    fn named(document: &str) -> BTreeSet<&str> {
        let quoted = document.split('`').skip(1).step_by(2);
        let is_name = |text: &&str| {
            let letter =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
            text.bytes().all(letter) && text.matches('_').count() >= 2
        };
        quoted.filter(is_name).collect()
    }

    /// The name of the function that is defined in this line.
    fn function(line: &str) -> Option<&str> {
        let (before, after) = line.split_once("fn ")?;
        let is_one = matches!(before.trim(), "" | "async" | "pub" | "pub async");
        after.split(['(', '<']).next().filter(|_| is_one)
    }

    /// Whether this attribute, such as `#[tokio::test(..)]`, makes a test of what follows.
    fn makes_a_test(attribute: &str) -> bool {
        let path = attribute.trim_start_matches("#[").split(['(', ']']).next().unwrap_or_default();
        matches!(path.rsplit("::").next(), Some("test" | "wasm_bindgen_test"))
    }

    /// The functions that are run as tests: an attribute directly above them says so.
    fn tests(code: &str) -> BTreeSet<&str> {
        let lines: Vec<&str> = code.lines().map(str::trim).collect();
        let is_test = |line: usize| {
            let above = lines[..line].iter().rev().take_while(|line| line.starts_with("#["));
            above.into_iter().any(|attribute| makes_a_test(attribute))
        };
        let functions = lines.iter().enumerate().filter(|(at, _)| is_test(*at));
        functions.filter_map(|(_, line)| function(line)).collect()
    }

    #[test]
    fn a_function_is_no_test_for_being_there() {
        let code = "#[test]\n#[cfg(unix)]\nfn one() {}\n\n#[tokio::test(start_paused = true)]\nasync fn two() {}\n\
            #[cfg(test)]\nmod tests {\n    #[test]\n    fn three(seed: u64) {}\n}\n\
            #[test]\nfn before() {}\nfn helper() {}\n#[cfg(test)]\nfn another() {}\n// fn said() {}\n";
        assert_eq!(tests(code), BTreeSet::from(["one", "two", "three", "before"]));
    }

    #[test]
    fn every_test_that_the_threat_model_names_exists() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let document = fs::read_to_string(root.join("docs/THREAT-MODEL.md")).unwrap();
        let named = named(&document);
        assert!(named.len() > 30, "{named:?}");
        let mut files = Vec::new();
        sources(root, &mut files);
        let code: Vec<String> =
            files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
        let tests: BTreeSet<&str> = code.iter().flat_map(|code| tests(code)).collect();
        let missing: Vec<_> = named.difference(&tests).collect();
        assert!(missing.is_empty(), "these tests do not exist: {missing:#?}");
    }

    /// Every threat has a test, but for those that nothing stops.
    #[test]
    fn every_row_of_the_threat_model_names_a_test() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let document = fs::read_to_string(root.join("docs/THREAT-MODEL.md")).unwrap();
        let tables = document.split("## ").filter(|part| part.contains("| tried by |"));
        let mut rows = 0;
        for row in tables.flat_map(str::lines).filter(|line| line.starts_with("| ")) {
            let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
            let [what, stops, tried] = cells[..] else { panic!("not three cells: {row}") };
            if what == "what it does" || stops == "nothing" {
                continue;
            }
            rows += 1;
            assert!(!named(tried).is_empty(), "no test is named for: {what}");
        }
        assert!(rows > 25, "{rows}");
    }
}

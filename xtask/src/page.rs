//! The built pages, and what they weigh.

use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use crate::announce;
use crate::process::Supervisor;
use crate::rustflags::{self, Paths};
use crate::tools::Tools;
use crate::workspace::Workspace;

/// What a patient may have to download: WebAssembly, JavaScript and one language together, with Brotli. Every browser
/// that can run the page accepts Brotli over HTTPS, and the hospital serves the files that [`compress`] writes.
const BUDGET_BYTES: usize = 250 * 1024;

/// What is stored compressed beside itself. Not the start page, which the hospital keeps in memory.
const COMPRESSED: [&str; 6] = ["wasm", "js", "css", "svg", "txt", "webmanifest"];

/// Where the researcher's page lies, in the directory of the patient's. Nothing of it counts for a patient.
const RESEARCHER: &str = "researcher";

/// Where the built page lies.
pub(crate) fn directory(workspace: &Workspace) -> PathBuf {
    workspace.path("web/dist")
}

/// Builds both pages for release, prints their weights and fingerprints, and fails if the patient's is too heavy.
pub(crate) fn build(workspace: &Workspace, supervisor: &mut Supervisor) -> Result<()> {
    let tools = Tools::prepare(workspace, supervisor)?;
    announce("Building the page into web/dist");
    let cargo_home = rustflags::cargo_home()?;
    build_with(&tools, workspace, &cargo_home, supervisor)?;
    let directory = directory(workspace);
    let researchers = directory.join(RESEARCHER);
    eprintln!("{}", Weight::of(&researchers)?);
    eprintln!("    researcher's page fingerprint: {}", fingerprint(&researchers)?);
    let weight = Weight::of(&directory)?;
    eprintln!("{weight}");
    eprintln!("    page weight: {} of {} (Brotli)", kib(weight.brotli()), kib(BUDGET_BYTES));
    eprintln!("    page fingerprint: {}", fingerprint(&directory)?);
    weight.hold_to(BUDGET_BYTES)
}

/// Builds the researcher's page for development, and says where it lies.
pub(crate) fn build_researchers_for_development(
    tools: &Tools,
    workspace: &Workspace,
    supervisor: &mut Supervisor,
) -> Result<PathBuf> {
    let directory = workspace.target.join("researcher-dev");
    let paths = Paths::of(workspace, rustflags::cargo_home()?)?;
    let mut command = tools.trunk_command(workspace, &paths)?;
    command.args(["build", "--config", "web/researcher", "--dist"]).arg(&directory);
    command.env("CARGO_TARGET_DIR", &workspace.target);
    supervisor.run(&mut command)?;
    Ok(directory)
}

/// Builds the pages of a workspace from the crates of a cargo home, for use as it is.
pub(crate) fn build_with(
    tools: &Tools,
    workspace: &Workspace,
    cargo_home: &Path,
    supervisor: &mut Supervisor,
) -> Result<()> {
    let paths = Paths::of(workspace, cargo_home.to_owned())?;
    // The patient's first: trunk empties the directory that it builds into.
    for configuration in ["web", "web/researcher"] {
        let mut command = tools.trunk_command(workspace, &paths)?;
        command.args(["build", "--release", "--config", configuration]);
        command.env("CARGO_HOME", cargo_home).env("CARGO_TARGET_DIR", &workspace.target);
        supervisor.run(&mut command)?;
    }
    let directory = directory(workspace);
    for path in files(&directory)? {
        let bytes = read(&path)?;
        if let Some(shown) = paths.shown_in(&bytes) {
            bail!("{} shows the path {} of this machine", path.display(), shown.display());
        }
    }
    compress(&directory)
}

/// The page's fingerprint: SHA-256 of index.html, which names every other file with its hash, in groups of
/// four hexadecimal digits.
pub(crate) fn fingerprint(directory: &Path) -> Result<String> {
    let digest = Sha256::digest(read(&directory.join("index.html"))?);
    let groups: Vec<_> =
        digest.chunks(2).map(|bytes| format!("{:02x}{:02x}", bytes[0], bytes[1])).collect();
    Ok(groups.join(" "))
}

/// The size of each file that runs in the browser.
struct Weight {
    files: Vec<File>,
}

struct File {
    name: String,
    plain: usize,
    gzip: usize,
    brotli: usize,
}

impl File {
    fn weigh(path: &Path) -> Result<Self> {
        let bytes = read(path)?;
        Ok(Self {
            name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            plain: bytes.len(),
            gzip: gzip(&bytes)?.len(),
            brotli: brotli(&bytes)?.len(),
        })
    }
}

impl Weight {
    /// Weighs all WebAssembly and JavaScript under a directory, but for another page in it, and of the languages the
    /// heaviest: a page loads one.
    fn of(directory: &Path) -> Result<Self> {
        let (mut files, mut languages) = (Vec::new(), Vec::new());
        let another = directory.join(RESEARCHER);
        for path in self::files(directory)? {
            if path.starts_with(&another) {
                continue;
            }
            if has_extension(&path, "wasm") || has_extension(&path, "js") {
                files.push(File::weigh(&path)?);
            } else if has_extension(&path, "txt") {
                languages.push(File::weigh(&path)?);
            }
        }
        files.extend(languages.into_iter().max_by_key(|language| language.brotli));
        if !files.iter().any(|file| has_extension(file.name.as_ref(), "wasm")) {
            bail!("there is no WebAssembly in {}: the page was not built", directory.display());
        }
        Ok(Self { files })
    }

    fn sum(&self, size: impl Fn(&File) -> usize) -> usize {
        self.files.iter().map(size).sum()
    }

    fn brotli(&self) -> usize {
        self.sum(|file| file.brotli)
    }

    /// Fails if the page is heavier than `budget` bytes.
    fn hold_to(&self, budget: usize) -> Result<()> {
        let brotli = self.brotli();
        if brotli > budget {
            bail!(
                "the page weighs {} with Brotli, {} more than its budget of {}; `twiggy top` on the \
                 .wasm file shows what grew",
                kib(brotli),
                kib(brotli - budget),
                kib(budget)
            );
        }
        Ok(())
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "    {:>11} {:>11} {:>11}", "plain", "gzip", "brotli")?;
        let mut line = |name: &str, sizes: [usize; 3]| {
            let [plain, gzip, brotli] = sizes.map(kib);
            writeln!(out, "    {plain:>11} {gzip:>11} {brotli:>11}  {name}")
        };
        for file in &self.files {
            line(&file.name, [file.plain, file.gzip, file.brotli])?;
        }
        let sums = [self.sum(|file| file.plain), self.sum(|file| file.gzip), self.brotli()];
        line("together", sums)
    }
}

/// Writes each file of the page beside itself as `.br` and `.gz`, for whoever serves it to choose from.
fn compress(directory: &Path) -> Result<()> {
    for path in files(directory)? {
        if COMPRESSED.iter().any(|extension| has_extension(&path, extension)) {
            let bytes = read(&path)?;
            for (suffix, compressed) in [(".br", brotli(&bytes)?), (".gz", gzip(&bytes)?)] {
                let mut name = path.clone().into_os_string();
                name.push(suffix);
                fs::write(&name, compressed)
                    .with_context(|| format!("cannot write {}", name.display()))?;
            }
        }
    }
    Ok(())
}

/// All files under a directory, sorted.
pub(crate) fn files(directory: &Path) -> Result<Vec<PathBuf>> {
    let unreadable = || format!("cannot read {}", directory.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).with_context(unreadable)? {
        let path = entry.with_context(unreadable)?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension() == Some(OsStr::new(extension))
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

fn brotli(mut bytes: &[u8]) -> Result<Vec<u8>> {
    let mut compressed = Vec::new();
    let parameters = ::brotli::enc::BrotliEncoderParams { quality: 11, ..Default::default() };
    ::brotli::BrotliCompress(&mut bytes, &mut compressed, &parameters)?;
    Ok(compressed)
}

/// A size in kibibytes, with one decimal.
fn kib(bytes: usize) -> String {
    let tenths = (bytes * 10).div_ceil(1024);
    format!("{}.{} KiB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    use sha2::Sha384;

    use super::*;

    fn page(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        dir
    }

    #[test]
    fn wasm_js_and_one_language_count_and_nothing_else() {
        let dir = page(&[
            ("app.wasm", &[0; 5000]),
            ("snippets/a/inline.js", b"let a = 1;"),
            ("de-0.txt", b"sum = Summe\nmean = Mittelwert\n"),
            ("en-0.txt", b"sum = Sum\n"),
            ("index.html", &[b'x'; 9000]),
            ("page.css", &[b'y'; 9000]),
            ("researcher/researcher.wasm", &[0; 7000]),
        ]);
        let weight = Weight::of(dir.path()).unwrap();
        assert_eq!(weight.sum(|file| file.plain), 5010 + 30);
        let gzip = weight.sum(|file| file.gzip);
        assert!(gzip < 200, "{gzip}");
    }

    #[test]
    fn the_budget_is_held_to_the_byte() {
        let dir = page(&[("app.wasm", b"\0asm")]);
        let weight = Weight::of(dir.path()).unwrap();
        let brotli = weight.sum(|file| file.brotli);
        weight.hold_to(brotli).unwrap();
        let error = weight.hold_to(brotli - 1).unwrap_err().to_string();
        assert!(error.contains("more than its budget"), "{error}");
    }

    #[test]
    fn compressed_files_lie_beside_their_own_and_weigh_nothing() {
        let text = "export {};".repeat(100);
        let dir = page(&[
            ("app.wasm", b"\0asm"),
            ("snippets/a.js", text.as_bytes()),
            ("index.html", b"x"),
        ]);
        let plain = Weight::of(dir.path()).unwrap().sum(|file| file.plain);
        compress(dir.path()).unwrap();
        assert_eq!(Weight::of(dir.path()).unwrap().sum(|file| file.plain), plain);
        assert!(!dir.path().join("index.html.br").exists());
        let mut unpacked = String::new();
        let file = fs::File::open(dir.path().join("snippets/a.js.gz")).unwrap();
        flate2::read::GzDecoder::new(file).read_to_string(&mut unpacked).unwrap();
        assert_eq!(unpacked, text);
        let mut unpacked = Vec::new();
        let mut file = fs::File::open(dir.path().join("snippets/a.js.br")).unwrap();
        ::brotli::BrotliDecompress(&mut file, &mut unpacked).unwrap();
        assert_eq!(unpacked, text.as_bytes());
    }

    #[test]
    fn a_page_that_was_not_built_is_an_error() {
        let dir = page(&[("boot.js", b"1")]);
        assert!(Weight::of(dir.path()).is_err());
        assert!(Weight::of(&dir.path().join("nowhere")).is_err());
    }

    /// Trunk names with its hash what it calls by it, and only copies these.
    #[test]
    fn what_keeps_its_name_has_its_hash_in_the_start_page() {
        let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("../web");
        let index = fs::read_to_string(web.join("index.html")).unwrap();
        let copied: Vec<_> = index.split(r#"rel="copy-file" href="assets/"#).skip(1).collect();
        assert!(!copied.is_empty());
        for copied in copied {
            let name = copied.split('"').next().unwrap();
            let digest = Sha384::digest(fs::read(web.join("assets").join(name)).unwrap());
            let line =
                format!(r#"href="/{name}" integrity="sha384-{}""#, BASE64_STANDARD.encode(digest));
            assert!(index.contains(&line), "index.html has to name {name} with: {line}");
        }
        let manifest = fs::read_to_string(web.join("assets/manifest.webmanifest")).unwrap();
        let icons: Vec<_> = manifest.split(r#""src": "/"#).skip(1).collect();
        assert!(icons.len() >= 3, "{manifest}");
        for icon in icons {
            let name = icon.split('"').next().unwrap();
            assert!(index.contains(&format!(r#"href="assets/{name}""#)), "nobody copies {name}");
        }
    }

    #[test]
    fn the_fingerprint_is_the_start_pages_hash() {
        // RFC 6234 and everybody else: SHA-256 of "abc".
        let dir = page(&[("index.html", b"abc"), ("app.wasm", b"\0asm")]);
        let fingerprint = fingerprint(dir.path()).unwrap();
        assert!(fingerprint.starts_with("ba78 16bf 8f01 cfea "), "{fingerprint}");
        assert!(fingerprint.ends_with(" f200 15ad"), "{fingerprint}");
    }

    #[test]
    fn sizes_are_rounded_up() {
        assert_eq!(kib(0), "0.0 KiB");
        assert_eq!(kib(1), "0.1 KiB");
        assert_eq!(kib(250 * 1024), "250.0 KiB");
        assert_eq!(kib(250 * 1024 + 1), "250.1 KiB");
    }
}

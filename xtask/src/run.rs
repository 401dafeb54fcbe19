//! `cargo xtask run`: a hospital and the page on this computer.
//!
//! The browser talks to one https origin, that of `trunk serve`, which rebuilds the page when its
//! source changes and passes `/ws` and `/api` on to the hospital.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::announce;
use crate::page;
use crate::process::{Group, Supervisor, shown};
use crate::rustflags::{self, Paths};
use crate::tools::Tools;
use crate::workspace::{Profile, Workspace};

/// How web/Trunk.toml names the hospital.
const HOSPITAL_IN_TRUNK_TOML: &str = "localhost:8443";

/// Flags of `cargo xtask run`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The port of the page
    #[arg(long, default_value_t = 8080, value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// The port of the hospital
    #[arg(long, default_value_t = 8443, value_parser = clap::value_parser!(u16).range(1..))]
    hospital_port: u16,
    /// The studies that the hospital runs
    #[arg(long, default_value = "hospital/studies/pain-scale.toml")]
    studies: PathBuf,
}

/// Builds, starts both servers, and stops both when one ends or a signal says so.
pub(crate) fn run(
    workspace: &Workspace,
    supervisor: &mut Supervisor,
    options: &Options,
) -> Result<()> {
    if options.port == options.hospital_port {
        bail!("page and hospital cannot share port {}; give one of them another", options.port);
    }
    refuse_taken(options.port, "--port")?;
    refuse_taken(options.hospital_port, "--hospital-port")?;

    let tools = Tools::prepare(workspace, supervisor)?;
    announce("Building the hospital");
    supervisor.run(&mut workspace.build_hospital(Profile::Dev))?;
    announce("Making certificates for this computer, or keeping those that are there");
    let certs = workspace.path("certs/local");
    let mut command = Command::new(workspace.hospital(Profile::Dev));
    command.arg("certs").arg("--dir").arg(&certs);
    supervisor.run(&mut command)?;

    let config = TrunkConfig::write(workspace, options.hospital_port)?;
    let paths = Paths::of(workspace, rustflags::cargo_home()?)?;
    let mut trunk = tools.trunk_command(workspace, &paths)?;
    trunk_arguments(&mut trunk, workspace, options, &config.path, &certs);
    announce("Building the researcher's page");
    let researchers = page::build_researchers_for_development(&tools, workspace, supervisor)?;
    let mut hospital = hospital_command(workspace, options, &certs);
    hospital.arg("--researcher-page").arg(researchers);

    let mut servers = Vec::new();
    let ended = serve(workspace, supervisor, options, [&mut hospital, &mut trunk], &mut servers);
    announce("Stopping what was started");
    let stopped = supervisor.stop(&mut servers);
    ended.and(stopped.map_err(Into::into))
}

/// Starts both servers, the hospital first, and watches them. Whatever ends this, `servers` are those that
/// it has started.
fn serve(
    workspace: &Workspace,
    supervisor: &mut Supervisor,
    options: &Options,
    [hospital, trunk]: [&mut Command; 2],
    servers: &mut Vec<Group>,
) -> Result<()> {
    announce("Starting the hospital");
    servers.push(start("the hospital", hospital)?);
    wait_until_listening(supervisor, servers, options.hospital_port)?;

    announce("Building and serving the page");
    // Trunk's cargo inherits the trust in the local authority only (see below), and could not
    // download anything.
    supervisor.run(workspace.cargo("fetch").args(["--locked", "--quiet"]))?;
    servers.push(start("the page's server", trunk)?);
    wait_until_listening(supervisor, servers, options.port)?;

    welcome(workspace, options);
    watch(supervisor, servers)
}

/// Waits for a signal, which is how this is meant to end, or for the death of a server, which is not.
fn watch(supervisor: &mut Supervisor, servers: &mut [Group]) -> Result<()> {
    loop {
        for server in &mut *servers {
            if let Some(status) = server.ended()? {
                bail!("{} ended by itself ({status}); see what it said above", server.name());
            }
        }
        if let Err(interrupted) = supervisor.tick() {
            eprintln!();
            announce(&interrupted.to_string());
            return Ok(());
        }
    }
}

fn start(name: &'static str, command: &mut Command) -> Result<Group> {
    eprintln!("    {}", shown(command));
    Group::spawn(name, command)
}

fn hospital_command(workspace: &Workspace, options: &Options, certs: &Path) -> Command {
    let mut command = Command::new(workspace.hospital(Profile::Dev));
    command
        .current_dir(&workspace.root)
        .arg("serve")
        .args(["--listen", &format!("127.0.0.1:{}", options.hospital_port)])
        .arg("--studies")
        .arg(&options.studies)
        .arg("--certs-dir")
        .arg(certs)
        // A round that was open when this was stopped goes on the next time.
        .arg("--data")
        .arg(workspace.target.join("xtask/data"));
    // The page comes from another origin than the hospital's own, under each name of this computer.
    for host in ["localhost", "127.0.0.1", "[::1]"] {
        command.args(["--allowed-origin", &format!("https://{host}:{}", options.port)]);
    }
    let page = page::directory(workspace);
    if page.join("index.html").is_file() {
        command.arg("--page").arg(page);
    }
    command
}

fn trunk_arguments(
    command: &mut Command,
    workspace: &Workspace,
    options: &Options,
    config: &Path,
    certs: &Path,
) {
    command
        .arg("serve")
        .arg("--config")
        .arg(config)
        .args(["--port", &options.port.to_string()])
        .arg("--tls-cert-path")
        .arg(certs.join("leaf.pem"))
        .arg("--tls-key-path")
        .arg(certs.join("leaf-key.pem"))
        // A page that reloads by itself would interrupt whoever is typing.
        .arg("--no-autoreload=true")
        // web/dist is for the page as it is shipped.
        .arg("--dist")
        .arg(workspace.target.join("page-dev"))
        // Trunk has no flag that makes it trust an authority towards the hospital.
        .env("SSL_CERT_FILE", certs.join("ca.pem"));
}

/// The configuration that trunk is started with.
struct TrunkConfig {
    path: PathBuf,
    /// Made for this run, because the hospital has another port than web/Trunk.toml says.
    temporary: bool,
}

impl TrunkConfig {
    fn write(workspace: &Workspace, hospital_port: u16) -> Result<Self> {
        let original = workspace.path("web/Trunk.toml");
        let text = fs::read_to_string(&original)
            .with_context(|| format!("cannot read {}", original.display()))?;
        let changed = with_hospital_port(&text, hospital_port)?;
        if changed == text {
            return Ok(Self { path: original, temporary: false });
        }
        // Paths in the file are relative to it, so the changed file stays in the same directory.
        let path = workspace.path(&format!("web/.trunk-{hospital_port}.toml"));
        fs::write(&path, changed).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { path, temporary: true })
    }
}

impl Drop for TrunkConfig {
    fn drop(&mut self) {
        if self.temporary {
            // A file that stays behind is ignored by git and overwritten the next time.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn with_hospital_port(trunk_toml: &str, port: u16) -> Result<String> {
    if !trunk_toml.contains(HOSPITAL_IN_TRUNK_TOML) {
        bail!("web/Trunk.toml does not name the hospital as {HOSPITAL_IN_TRUNK_TOML} any more");
    }
    Ok(trunk_toml.replace(HOSPITAL_IN_TRUNK_TOML, &format!("localhost:{port}")))
}

/// Fails if somebody else listens on a port of this computer.
fn refuse_taken(port: u16, flag: &str) -> Result<()> {
    let loopback = [
        SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        SocketAddr::from((Ipv6Addr::LOCALHOST, port)),
    ];
    for address in loopback {
        match TcpListener::bind(address) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => bail!(
                "port {port} is taken by another program; stop that one (`ss -ltnp` on Linux and \
                 `lsof -i :{port}` on macOS tell which), or choose another with `{flag} {}`",
                port.checked_add(1).unwrap_or(port - 1)
            ),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => bail!(
                "this user may not listen on port {port}; choose one above 1023 with `{flag}`"
            ),
            // A computer without IPv6 has no such address; a server then does without it too.
            Err(_) | Ok(_) => {}
        }
    }
    Ok(())
}

/// Waits until the last of the servers accepts connections, however long it compiles before that. None
/// of them may end meanwhile.
fn wait_until_listening(
    supervisor: &mut Supervisor,
    servers: &mut [Group],
    port: u16,
) -> Result<()> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    while TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_err() {
        for server in &mut *servers {
            if let Some(status) = server.ended()? {
                bail!("{} ended before all was ready ({status}); see above", server.name());
            }
        }
        supervisor.tick()?;
    }
    Ok(())
}

fn welcome(workspace: &Workspace, options: &Options) {
    let (port, hospital_port) = (options.port, options.hospital_port);
    let hospital = workspace.hospital(Profile::Dev);
    let (hospital, data) = (hospital.display(), workspace.target.join("xtask/data"));
    let data = data.display();
    let own_page = if page::directory(workspace).join("index.html").is_file() {
        "as built by `cargo xtask build`"
    } else {
        "once `cargo xtask build` has built it and this is started again"
    };
    println!(
        "\n\
         \x20   Open  https://localhost:{port}/  in three or more tabs.\n\
         \n\
         \x20   The browser does not know this computer's certificate: choose Advanced and Proceed,\n\
         \x20   or make it trust certs/local/ca.pem (certs/README.md says how).\n\
         \x20   The hospital's own page is at https://localhost:{hospital_port}/, {own_page}.\n\
         \x20   Researchers sign in at https://localhost:{hospital_port}/researcher/ with a token that\n\
         \x20   {hospital} researcher add NAME --role editor --data {data}\n\
         \x20   prints.\n\
         \x20   Ctrl-C stops both servers.\n"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_refused_with_a_way_out() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let error = refuse_taken(port, "--port").unwrap_err().to_string();
        assert!(error.contains(&format!("port {port} is taken")), "{error}");
        assert!(error.contains("`--port "), "{error}");
    }

    #[test]
    fn a_free_port_is_not_refused() {
        // Between its fork and its exec a child of another test holds every socket of this process, so
        // that a port that was given back can still look taken.
        let refusals: Vec<_> = (0..100)
            .map_while(|_| {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
                let port = listener.local_addr().unwrap().port();
                drop(listener);
                refuse_taken(port, "--port").err()
            })
            .collect();
        assert!(refusals.len() < 100, "{refusals:?}");
    }

    #[test]
    fn the_hospital_is_found_under_another_port() {
        let text = fs::read_to_string(Workspace::here().unwrap().path("web/Trunk.toml")).unwrap();
        assert_eq!(with_hospital_port(&text, 8443).unwrap(), text);
        let changed = with_hospital_port(&text, 9000).unwrap();
        assert!(changed.contains("wss://localhost:9000/ws"), "{changed}");
        assert!(changed.contains("https://localhost:9000/api"), "{changed}");
        assert!(with_hospital_port("[build]", 9000).is_err());
    }
}

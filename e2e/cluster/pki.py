"""The node's certificates: one authority per cluster, one identity per component, by openssl."""

import base64
from dataclasses import dataclass
from pathlib import Path

from .command import run

SERVER_NAMES = (
    "DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,"
    "DNS:kubernetes.default.svc.cluster.local,DNS:localhost,"
    "IP:10.96.0.1,IP:127.0.0.1,IP:172.31.255.1"
)
DAYS = "365"
KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


@dataclass(frozen=True)
class Identity:
    """A certificate to sign: its file name, who it stands for, and the names it serves under."""

    name: str
    subject: str
    server_names: str = ""


SERVER = Identity("apiserver", "/CN=kube-apiserver", SERVER_NAMES)
FRONT_PROXY = Identity("front-proxy-client", "/CN=front-proxy-client")
KUBELET_CLIENT = Identity("apiserver-kubelet-client", "/O=system:masters/CN=kube-apiserver-kubelet-client")
# These speak to the API server; the names are those its built-in roles are bound to.
CLIENTS = (
    Identity("admin", "/O=system:masters/CN=admin"),
    Identity("kubelet", "/O=system:nodes/CN=system:node:node-1"),
    Identity("kube-controller-manager", "/CN=system:kube-controller-manager"),
    Identity("kube-scheduler", "/CN=system:kube-scheduler"),
    Identity("kube-proxy", "/CN=system:kube-proxy"),
)


def issue(folder: Path) -> None:
    """Fill `folder` with the authority, all certificates, the service-account key and kubeconfigs."""
    folder.mkdir(mode=0o700)
    authority = ["-x509", "-days", DAYS, "-subj", "/CN=moorage-local"]
    _openssl(folder, "req", *authority, *KEY, "-keyout", "ca.key", "-out", "ca.crt")
    _openssl(folder, "genrsa", "-out", "service-accounts.key", "2048")
    for identity in (SERVER, FRONT_PROXY, KUBELET_CLIENT, *CLIENTS):
        _sign(folder, identity)
    for client in CLIENTS:
        text = kubeconfig(folder, client.name, "https://127.0.0.1:6443")
        (folder / f"{client.name}.kubeconfig").write_text(text)


def _sign(folder: Path, identity: Identity) -> None:
    name = identity.name
    _openssl(folder, "req", *KEY, "-subj", identity.subject, "-keyout", f"{name}.key", "-out", f"{name}.csr")
    extension = []
    if identity.server_names:
        (folder / f"{name}.ext").write_text(f"subjectAltName={identity.server_names}\n")
        extension = ["-extfile", f"{name}.ext"]
    authority = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", DAYS]
    _openssl(folder, "x509", "-req", "-in", f"{name}.csr", *authority, "-out", f"{name}.crt", *extension)


def _openssl(folder: Path, *words: str) -> None:
    run(["openssl", *words], cwd=folder)


def kubeconfig(folder: Path, client: str, server: str) -> str:
    """Return a kubeconfig for one of CLIENTS that needs no other file."""
    authority, certificate, key = (
        base64.b64encode((folder / name).read_bytes()).decode() for name in ("ca.crt", f"{client}.crt", f"{client}.key")
    )
    return f"""apiVersion: v1
kind: Config
clusters:
- name: moorage
  cluster: {{server: "{server}", certificate-authority-data: {authority}}}
users:
- name: {client}
  user: {{client-certificate-data: {certificate}, client-key-data: {key}}}
contexts:
- name: moorage
  context: {{cluster: moorage, user: {client}}}
current-context: moorage
"""

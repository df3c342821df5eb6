"""Every file for Kubernetes, judged by the real tools: `manifests.py HUB_BINARY TOOLS [yes]`, with
`yes` where node is installed.

Each overlay is rendered by `kubectl kustomize` where that is installed, and what comes out is held against the
schemas of Kubernetes, of Traefik and of the Gateway API. Without it, every file is judged by itself.
"""

import copy
import json
import pathlib
import shutil
import subprocess
import sys
import time

import kubernetes_validate
import yaml

from score import Score

ROOT = pathlib.Path(__file__).resolve().parents[2]
KUBERNETES = ROOT / "deploy/kubernetes"

# The oldest that is still supported somewhere, one between, and the newest that the tool knows.
VERSIONS = ["1.31", "1.34", "1.37"]
NOT_OF_KUBERNETES = ("traefik.io/", "gateway.networking.k8s.io/", "helm.cattle.io/", "kustomize.config.k8s.io/")


def overlays():
    return sorted(path.parent for path in KUBERNETES.glob("*/kustomization.yaml"))


def objects_in(text):
    return [document for document in yaml.safe_load_all(text) if document]


def resources_exist(overlay):
    """What a kustomization names is there, and every manifest beside it is named."""
    kustomization = yaml.safe_load((overlay / "kustomization.yaml").read_text())
    named = kustomization["resources"]
    for name in named:
        assert (overlay / name).exists(), f"{overlay.name}: `{name}` does not exist"
    beside = {path.name for path in overlay.glob("*.yaml")} - {"kustomization.yaml"}
    assert beside <= set(named), f"{overlay.name}: not named: {beside - set(named)}"


def rendered(overlay):
    if shutil.which("kubectl"):
        command = ["kubectl", "kustomize", str(overlay)]
    elif shutil.which("kustomize"):
        command = ["kustomize", "build", str(overlay)]
    else:
        return None
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not done.stderr, f"{' '.join(command)}: {done.stderr}"
    return objects_in(done.stdout)


def one_by_one(overlay):
    found = []
    for path in sorted(overlay.glob("*.yaml")):
        if path.name != "kustomization.yaml":
            found += objects_in(path.read_text())
    return found


class Judge:
    def __init__(self, tools, has_node):
        self.tools, self.has_node = pathlib.Path(tools), has_node

    def by_kubernetes(self, objects, version):
        """Strict: also what is unknown is wrong."""
        core = [it for it in objects if not it["apiVersion"].startswith(NOT_OF_KUBERNETES)]
        for it in core:
            try:
                kubernetes_validate.validate(it, version, strict=True)
            except kubernetes_validate.ValidationError as error:
                raise AssertionError(f"{it['kind']}, {version}: {error}") from None
        return f"{len(core)} objects"

    def by_models(self, objects):
        verdicts = self.models(objects)
        for it, verdict in zip(objects, verdicts):
            assert verdict in (None, False), f"{it['kind']}: {verdict}"
        return f"{sum(verdict is None for verdict in verdicts)} objects"

    def models(self, objects):
        done = subprocess.run(
            ["node", str(self.tools / "node/models.mjs")],
            input=json.dumps(objects), capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def models_find_mistakes(self, objects):
        """A judge who finds everything good is none."""
        for it, verdict in zip(objects, self.models(objects)):
            if verdict is False:
                continue
            broken = copy.deepcopy(it)
            broken["spec"] = {"listeners": 7, "routes": 7, "hostnames": 7}
            assert self.models([broken])[0], f"{it['kind']}: a mistake passes"

    def kubernetes_finds_mistakes(self, objects):
        service = next(it for it in objects if it["kind"] == "Service")
        broken = copy.deepcopy(service)
        broken["spec"]["prots"] = broken["spec"].pop("ports")
        try:
            self.by_kubernetes([broken], VERSIONS[-1])
        except AssertionError:
            return
        raise AssertionError("a mistake passes")


def parts_fit_together(objects):
    """What no schema sees: names and ports by which objects find one another."""
    by_kind = lambda kind: [it for it in objects if it["kind"] == kind]
    [service] = by_kind("Service")
    name, [port] = service["metadata"]["name"], service["spec"]["ports"]
    for route in by_kind("IngressRoute"):
        [backend] = route["spec"]["routes"][0]["services"]
        assert (backend["name"], backend["port"]) == (name, port["name"]), backend
    for route in by_kind("HTTPRoute"):
        [backend] = route["spec"]["rules"][0]["backendRefs"]
        assert (backend["name"], backend["port"]) == (name, port["port"]), backend
    for slice_ in by_kind("EndpointSlice"):
        assert slice_["metadata"]["labels"]["kubernetes.io/service-name"] == name
        assert slice_["ports"][0]["name"] == port["name"]
    for endpoints in by_kind("Endpoints"):
        assert endpoints["metadata"]["name"] == name
        assert endpoints["subsets"][0]["ports"][0]["name"] == port["name"]
    for stateful in by_kind("StatefulSet"):
        labels = stateful["spec"]["template"]["metadata"]["labels"]
        assert service["spec"]["selector"].items() <= labels.items()
        assert stateful["spec"]["serviceName"] == name
        [container] = stateful["spec"]["template"]["spec"]["containers"]
        assert container["ports"][0]["name"] == port["targetPort"]
        assert container["ports"][0]["containerPort"] == port["port"]
    by_hand = by_kind("EndpointSlice") + by_kind("Endpoints")
    assert bool(by_hand) != bool(service["spec"].get("selector")), "a service leads to pods or to a host"


def restricted(objects):
    """The rules of the `restricted` pod security standard, which the namespace enforces."""
    for stateful in [it for it in objects if it["kind"] == "StatefulSet"]:
        pod = stateful["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault"
        for container in pod["containers"]:
            security = container["securityContext"]
            assert security["allowPrivilegeEscalation"] is False
            assert security["capabilities"] == {"drop": ["ALL"]}
            assert security["readOnlyRootFilesystem"] is True


def configuration_is_in_order(binary, path):
    done = subprocess.run([binary, "config", "check", str(path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "warning" not in done.stderr, done.stdout + done.stderr


def traefik_takes_the_arguments(tools):
    """Of the values for k3s: the real Traefik starts with them, on a port of the loopback interface."""
    [config] = objects_in((KUBERNETES / "k3s-traefik.yaml").read_text())
    values = yaml.safe_load(config["spec"]["valuesContent"])
    arguments = [it.replace("/data/acme.json", "/tmp/none/acme.json") for it in values["additionalArguments"]]
    arguments += ["--entrypoints.websecure.address=127.0.0.1:0", "--global.checknewversion=false"]
    arguments += ["--certificatesresolvers.letsencrypt.acme.caserver=https://127.0.0.1:1/directory"]
    traefik = subprocess.Popen(
        [str(pathlib.Path(tools) / "python/bin/traefik"), *arguments, "--log.level=INFO"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    said = []
    try:
        deadline = time.monotonic() + 30
        for line in traefik.stdout:
            said.append(line)
            if "Starting provider *acme.ChallengeTLSALPN" in line or time.monotonic() > deadline:
                break
        assert any("ChallengeTLSALPN" in line for line in said), "".join(said)
    finally:
        traefik.terminate()
        traefik.wait(15)


def main(binary, tools, has_node):
    score, judge = Score(), Judge(tools, bool(has_node))
    is_rendered = bool(shutil.which("kubectl") or shutil.which("kustomize"))
    if not is_rendered:
        score.skip("rendering by kustomize", "neither kubectl nor kustomize; every file is judged by itself")
    for overlay in overlays():
        name = overlay.name
        score.check(f"{name}: the kustomization names what is there", resources_exist, overlay)
        if name == "hub":
            objects = one_by_one(overlay)
        else:
            objects = (rendered(overlay) if is_rendered else None) or (
                one_by_one(overlay) + (one_by_one(KUBERNETES / "hub") if name.startswith("in-cluster") else [])
            )
        for version in VERSIONS:
            title = f"{name}: kubernetes-validate --strict, Kubernetes {version}"
            score.check(title, judge.by_kubernetes, objects, version)
        if judge.has_node and name != "hub":
            score.check(f"{name}: the definitions of Traefik or Gateway API", judge.by_models, objects)
            score.check(f"{name}: these definitions find a mistake", judge.models_find_mistakes, objects)
        score.check(f"{name}: names and ports fit together", parts_fit_together, objects)
        if any(it["kind"] == "StatefulSet" for it in objects):
            score.check(f"{name}: pods are restricted", restricted, objects)
    score.check("kubernetes-validate finds a mistake", judge.kubernetes_finds_mistakes, one_by_one(KUBERNETES / "hub"))
    for path in sorted((ROOT / "deploy").rglob("*.json5")):
        title = f"{path.relative_to(ROOT)}: bot-hub config check"
        score.check(title, configuration_is_in_order, binary, path)
    if (pathlib.Path(tools) / "python/bin/traefik").exists():
        score.check("k3s-traefik.yaml: Traefik takes the arguments", traefik_takes_the_arguments, tools)
    score.skip("k3s-traefik.yaml: the other values", "k3s publishes no schema of HelmChartConfig")
    score.end()


if __name__ == "__main__":
    main(*sys.argv[1:4])

#!/usr/bin/env python3
"""The crates that are compiled into the programs: their licences in one text, and a software bill of materials (CycloneDX).

Usage: third_party.py TRIPLE LICENCES SBOM PROGRAM...
"""

import hashlib
import json
import re
import subprocess
import sys
import tomllib
import uuid
from pathlib import Path

LICENCE_FILES = re.compile(r"(licen[cs]e|copying|copyright|notice|unlicense)", re.IGNORECASE)


def main():
    triple, licences, sbom, *programs = sys.argv[1:]
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", triple]
    metadata = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    packages = {package["id"]: package for package in metadata["packages"]}
    edges = {node["id"]: linked(node) for node in metadata["resolve"]["nodes"]}
    members = [name for name in metadata["workspace_members"] if packages[name]["name"] in programs]
    if len(members) != len(programs):
        sys.exit(f"third_party.py: not all of {programs} are in the workspace")
    compiled_in = closure(members, edges)
    foreign = sorted((packages[name] for name in compiled_in if packages[name]["source"]), key=lambda p: (p["name"], p["version"]))
    Path(licences).write_text(licence_texts(foreign), encoding="utf-8")
    lock = tomllib.loads((Path(metadata["workspace_root"]) / "Cargo.lock").read_text(encoding="utf-8"))
    bill = bill_of_materials(packages, compiled_in, edges, lock, version=packages[members[0]]["version"])
    Path(sbom).write_text(json.dumps(bill, indent=1) + "\n", encoding="utf-8")


def linked(node):
    """The packages that are linked in: neither for tests only nor for build scripts only."""
    return [dep["pkg"] for dep in node["deps"] if any(kind["kind"] is None for kind in dep["dep_kinds"])]


def closure(roots, edges):
    found, waiting = set(), list(roots)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(edges[name])
    return found


def licence_texts(foreign):
    """Each different text once, after the crates that it is the licence of."""
    crates_of, without = {}, []
    for package in foreign:
        folder = Path(package["manifest_path"]).parent
        files = sorted(path for path in folder.iterdir() if path.is_file() and LICENCE_FILES.match(path.name))
        label = f"{package['name']} {package['version']} ({package['license'] or 'see its text'})"
        for path in files:
            text = path.read_text(encoding="utf-8", errors="replace").replace("\r\n", "\n").strip("\n")
            crates_of.setdefault(text, []).append(label)
        if not files:
            without.append(f"{label}, by {', '.join(package['authors']) or 'its authors'}")
    parts = ["The programs contain these crates. Each licence's text follows the crates that it is for."]
    if without:
        parts.append("Without a text of their own, under the licences that they name:\n" + "".join(f"\n  {crate}" for crate in without))
    parts += ["".join(f"  {crate}\n" for crate in dict.fromkeys(crates)) + "\n" + text for text, crates in crates_of.items()]
    return ("\n\n" + "=" * 80 + "\n\n").join(parts) + "\n"


def bill_of_materials(packages, compiled_in, edges, lock, version):
    checksums = {(package["name"], package["version"]): package.get("checksum") for package in lock["package"]}

    def purl(name):
        return f"pkg:cargo/{packages[name]['name']}@{packages[name]['version']}"

    def component(name):
        package = packages[name]
        entry = {"type": "library", "bom-ref": purl(name), "name": package["name"], "version": package["version"], "purl": purl(name)}
        if package["license"]:
            # Crates of old write MIT/Apache-2.0, which is no SPDX expression.
            entry["licenses"] = [{"expression": re.sub(r"\s*/\s*", " OR ", package["license"])}]
        checksum = checksums.get((package["name"], package["version"]))
        if checksum:
            entry["hashes"] = [{"alg": "SHA-256", "content": checksum}]
        return entry

    names = sorted(compiled_in, key=purl)
    components = [component(name) for name in names]
    digest = hashlib.sha256(json.dumps(components, sort_keys=True).encode()).digest()
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.UUID(bytes=digest[:16], version=4)}",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "dynamodb-logfiles", "version": version}},
        "components": components,
        "dependencies": [{"ref": purl(name), "dependsOn": sorted({purl(dep) for dep in edges[name]})} for name in names],
    }


main()

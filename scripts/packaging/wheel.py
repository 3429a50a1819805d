#!/usr/bin/env python3
"""A wheel of programs: `pip install` and `uvx` put them on PATH. Holds the binaries as they are in the other packages; maturin would
build them again, and takes the programs of one crate only.

Usage: wheel.py STAGE OUTPUT NAME VERSION PLATFORM_TAG SUMMARY README
"""

import base64
import hashlib
import os
import sys
import time
import zipfile
from pathlib import Path


def main():
    stage, output, name, version, platform, summary, readme = sys.argv[1:]
    stem = f"{name.replace('-', '_')}-{version}"
    info, data = f"{stem}.dist-info", f"{stem}.data"
    tag = f"py3-none-{platform}"
    metadata = (
        f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\nSummary: {summary}\nLicense-Expression: MIT OR Apache-2.0\n"
        "License-File: LICENSE-APACHE\nLicense-File: LICENSE-MIT\nLicense-File: THIRD-PARTY-LICENSES\n"
        "Requires-Python: >=3.8\nDescription-Content-Type: text/markdown\n\n" + Path(readme).read_text(encoding="utf-8")
    )
    files = {}
    for path in sorted(Path(stage).rglob("*")):
        if path.is_file():
            inside = path.relative_to(stage)
            if inside.parts[0] == "bin":
                files[f"{data}/scripts/{inside.name}"] = path.read_bytes()
            elif inside.parts[:2] == ("share", "doc"):
                if inside.name.startswith(("LICENSE", "THIRD-PARTY")):
                    files[f"{info}/licenses/{inside.name}"] = path.read_bytes()
                elif inside.name.endswith(".cdx.json"):
                    files[f"{info}/sboms/{inside.name}"] = path.read_bytes()
            elif inside.parts[0] == "share":
                files[f"{data}/data/{inside.as_posix()}"] = path.read_bytes()
    files[f"{info}/METADATA"] = metadata.encode()
    files[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nGenerator: scripts/package\nRoot-Is-Purelib: false\nTag: {tag}\n".encode()
    record = f"{info}/RECORD"
    files[record] = "".join(f"{path},{digest(body)},{len(body)}\n" for path, body in files.items()).encode() + f"{record},,\n".encode()
    when = time.gmtime(int(os.environ["SOURCE_DATE_EPOCH"]))[:6]
    with zipfile.ZipFile(Path(output) / f"{stem}-{tag}.whl", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as wheel:
        for path, body in files.items():
            entry = zipfile.ZipInfo(path, when)
            entry.external_attr = (0o100755 if "/scripts/" in path else 0o100644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            wheel.writestr(entry, body)


def digest(body):
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b"=").decode()


main()

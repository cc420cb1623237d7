"""Look for known vulnerabilities in what is installed; passes with a message where the list cannot be reached."""

import json
import subprocess
import sys


def main() -> int:
    """Run pip-audit; returns 1 when something is known to be vulnerable."""
    command = [
        sys.executable,
        "-m",
        "pip_audit",
        "--local",
        "--skip-editable",
        "--progress-spinner=off",
        "--format=json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  our own
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        packages = []
    audited = [each for each in packages if "skip_reason" not in each]
    if not audited:
        print("No audit of the dependencies: the list of known vulnerabilities cannot be reached from here.")
        return 0
    found = [(each, problem) for each in audited for problem in each["vulns"]]
    for package, problem in found:
        mended = ", ".join(problem["fix_versions"]) or "no version yet"
        print(f"{package['name']} {package['version']}: {problem['id']}, mended in {mended}", file=sys.stderr)
    print(f"{len(audited)} of {len(packages)} installed packages audited, {len(found)} vulnerabilities known.")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())

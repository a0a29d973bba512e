#!/usr/bin/env bash
# What: builds the Java client and its conformance runner into client/java/build.
# How to run: client/java/build.sh
#             Ends with 77 where Java 17 or Maven is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

missing() { echo "the Java client is not built: $1 (apt-get install --no-install-recommends maven openjdk-17-jdk-headless)" >&2; exit 77; }
type mvn >/dev/null 2>&1 || missing "mvn is missing"
type javac >/dev/null 2>&1 || missing "javac is missing"
release=$(javac -version 2>&1 | sed -n 's/^javac \([0-9]*\).*/\1/p')
[[ ${release:-0} -ge 17 ]] || missing "javac is of Java ${release:-unknown}, expected 17 or later"

mvn -B -q -DskipTests package dependency:build-classpath -Dmdep.outputFile=build/classpath -Dmdep.includeScope=test

// Package conformance holds the clients of all languages, curl, grpcurl and the fronts of
// other protocols against each other: the same inputs through each, the same answers to
// the last digit. testdata/conformance/README.md describes cases and runners; make
// conformance runs it.
package conformance

// Row is a runner: how it is made and run. Commands run in the repository's root.
type Row struct {
	Name string
	// Needs are programs that have to be installed.
	Needs []string
	// Build is a command that makes the runner; it ends with 77, and says why, where that
	// can't be done here. Empty: there is nothing to make.
	Build []string
	// Command runs it: to it which GRPC_ADDRESS HTTP_ADDRESS CASES_FILE are added, then
	// Extra.
	Command, Extra []string
}

// goClient is where the runner of Go's client is built, in a folder that git ignores.
const goClient = "build/conformance/goclient"

// Rows are all runners, in the order of the table. A case is held against the first that
// has an answer to it.
var Rows = []Row{
	{Name: "go", Build: []string{"go", "build", "-o", goClient, "./internal/conformance/goclient"}, Command: []string{goClient}},
	language("python", "python"),
	language("python aio", "python", "aio"),
	language("node", "typescript"),
	{Name: "browser", Build: []string{"client/typescript/build-web.sh"}, Command: []string{"client/typescript/conformance-web.sh"}},
	language("java", "java"),
	language("rust", "rust"),
	language("c++", "cpp"),
	{Name: "curl", Needs: []string{"python3", "curl"}, Command: []string{"scripts/conformance/curl.py"}},
	{Name: "grpcurl", Needs: []string{"python3", "$GRPCURL"}, Command: []string{"scripts/conformance/grpcurl.py"}},
	front("OIP gRPC", "oip", "grpc"),
	front("OIP REST", "oip", "http"),
	front("TFS gRPC", "tfserving", "grpc"),
	front("TFS REST", "tfserving", "rest"),
}

// front is the runner of another server's own client on the protocol under server/.
func front(name, folder, protocol string) Row {
	conformance := "server/" + folder + "/conformance/"
	return Row{
		Name:    name,
		Build:   []string{conformance + "build.sh"},
		Command: []string{conformance + protocol + ".sh"},
	}
}

// language is the runner of a client under client/.
func language(name, folder string, extra ...string) Row {
	return Row{
		Name:    name,
		Build:   []string{"client/" + folder + "/build.sh"},
		Command: []string{"client/" + folder + "/conformance.sh"},
		Extra:   extra,
	}
}

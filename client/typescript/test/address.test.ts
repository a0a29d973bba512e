import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAddress } from "#internal/address.js";
import { connect } from "siamese-client/node";

const read: [string, string, boolean | undefined, string?][] = [
  ["localhost", "http://localhost:50051", undefined],
  [" example.org:80 ", "http://example.org:80", undefined],
  ["http://example.org", "http://example.org:80", false],
  ["HTTPS://example.org/", "https://example.org:443", true],
  ["grpc://example.org", "http://example.org:50051", false],
  ["grpcs://example.org:1", "https://example.org:1", true],
  ["dns:///example.org:7", "http://example.org:7", undefined],
  ["[::1]:7", "http://[::1]:7", undefined],
  ["::1", "http://[::1]:50051", undefined],
  ["[::1]", "http://[::1]:50051", undefined],
  ["unix:/run/siamese.sock", "http://localhost", undefined, "/run/siamese.sock"],
  ["unix:///run/siamese.sock", "http://localhost", undefined, "/run/siamese.sock"],
  ["unix:siamese.sock", "http://localhost", undefined, "siamese.sock"],
];

test("addresses as people write them", () => {
  for (const [text, baseUrl, tls, socket] of read) {
    assert.deepEqual(parseAddress(text), { baseUrl, tls, ...socket === undefined ? {} : { socket } }, text);
  }
});

test("what is no address is refused in words", () => {
  for (const [text, words] of [
    ["", /no address of a server/], ["/run/siamese.sock", /expected unix:PATH/], ["./a", /expected unix:PATH/],
    ["ftp://example.org", /begins with "ftp:\/\/"/], ["http://me@example.org", /with a user/], ["http://example.org/path", /behind the port/],
    ["example.org:0", /port "0"/], ["example.org:70000", /port "70000"/], ["example.org:http", /port "http"/], ["::1:50051x", /brackets/],
    ["a b", /received the address "a b"/], ["[x]:1", /received the address/], ["%41:1", /received the address/], ["unix:", /without a path/],
    ["unix://relative", /unix:\/\/\/absolute/], [`unix:/${"x".repeat(107)}`, /108 bytes, expected at most 107/],
  ] as const) assert.throws(() => parseAddress(text), { name: "TypeError", message: words }, text);
});

test("an address of plain text and TLS don't go together", () => {
  assert.throws(() => connect("http://localhost", { tls: true }), /expected one of them/);
});

test("a token that no header can carry is refused", async () => {
  assert.throws(() => connect("localhost", { token: "two words" }), TypeError);
  const client = connect("localhost:1", { token: () => "line\nend" });
  await assert.rejects(client.info(), { message: /expected letters, digits and signs/ });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import Composio from "@composio/client";

const baseURL = process.env.SANDBOX_URL ?? "http://127.0.0.1:8787";
const apiKey = "ak_sandbox";
const composio = new Composio({ apiKey, baseURL });

// control asks the sandbox itself. These routes are not part of Composio.
async function control(method: string, path: string, body?: unknown): Promise<any> {
  const answer = await fetch(`${baseURL}/_sandbox/${path}`, {
    method,
    headers: { "x-api-key": apiKey, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  assert.ok(answer.ok, text);
  return text ? JSON.parse(text) : undefined;
}

test("a cleared token is gone and the other field is kept", async () => {
  await control("PUT", "accounts/ca_mine", {
    toolkit: "github", user: "user_1", scheme: "BEARER_TOKEN", alias: "work", credentials: { token: "old", user_agent: "robot" },
  });

  await composio.connectedAccounts.patch("ca_mine", {
    connection: { state: { authScheme: "BEARER_TOKEN", val: { token: null } } },
  });

  const account = await control("GET", "accounts/ca_mine");
  assert.deepEqual(account.credentials, { user_agent: "robot" });
  const { requests } = await control("GET", "requests?account=ca_mine&limit=1");
  assert.deepEqual(requests[0].cleared, ["token"]);
  assert.deepEqual(requests[0].kept, ["alias", "user_agent"]);
  assert.deepEqual(requests[0].violations, []);
});

test("a gateway's 502 may hide an update that was applied", async () => {
  await control("PUT", "accounts/ca_502", { scheme: "BEARER_TOKEN" });
  await control("POST", "script", { answers: [{ fault: "502-applied" }] });

  await composio.connectedAccounts.patch("ca_502", { alias: "new" }); // the client tries again by itself

  const { requests } = await control("GET", "requests?account=ca_502");
  assert.deepEqual(requests.map((r: any) => [r.status, r.applied]), [[502, true], [200, true]]);
});

// The page reads the control routes and shows what they say. What comes from requests is only ever written as text.
const shown = 500; // requests and accounts, as many as the routes list
const byId = (id) => document.getElementById(id);
let key = "";
let session; // aborts what belongs to the key before

// call asks a control route. Whatever goes wrong is an Error with a text for a person.
async function call(method, path, body, signal) {
  const request = { method, signal, headers: { "x-api-key": key }, cache: "no-store" };
  if (body !== undefined) {
    request.headers["content-type"] = "application/json";
    request.body = JSON.stringify(body);
  }
  const answer = await fetch(path, request);
  if (answer.ok) return answer;
  let reason = "";
  try {
    const { error } = await answer.json();
    reason = [error.message, ...(error.errors ?? [])].join("; ");
  } catch {} // no JSON: the status has to do
  const failure = new Error(`${method} ${path}: ${answer.status} ${reason}`);
  failure.status = answer.status;
  throw failure;
}

function tell(problem) {
  byId("problem").hidden = !problem;
  byId("problem").textContent = problem;
}

// act does something that a person asked for, and shows what went wrong.
async function act(action) {
  tell("");
  try {
    await action();
  } catch (error) {
    tell(error.message);
  }
}

function state(text, kind) {
  byId("state").textContent = text;
  byId("state").className = kind;
}

// cell returns a table cell with its parts, [text, class] each, one below the other.
function cell(label, ...parts) {
  const td = document.createElement("td");
  td.dataset.label = label;
  for (const [text, kind] of parts) {
    const span = document.createElement("span");
    span.textContent = text;
    span.className = kind;
    td.append(span);
  }
  return td;
}

function row(...cells) {
  const tr = document.createElement("tr");
  tr.append(...cells);
  return tr;
}

const some = (text, kind) => (text ? [[text, kind]] : []);

function requestRow(q) {
  const asked = [["set", q.set], ["cleared", q.cleared], ["kept", q.kept]].flatMap(([word, names]) => some(names.length && `${word} ${names.join(", ")}`, word));
  const tr = row(
    cell("Time", [new Date(q.time).toLocaleTimeString(), ""]),
    cell("Account", [q.account || `${q.method} ${q.path}`, ""]),
    cell("Asked for", ...asked),
    cell("Answer", [q.status || (q.ended ? "none" : "under way"), q.status >= 400 || q.status === 0 ? "failed" : ""]),
    cell("Applied", q.applied ? ["yes", "yes"] : ["no", ""]),
    cell("Fault", ...some(q.fault, "fault")),
    cell("Broken rules", ...q.violations.map((v) => [`${v.direction} ${v.location}: ${v.rule}`, "violation"])),
  );
  tr.dataset.number = q.number;
  return tr;
}

// showRequest puts a request where its number belongs, the latest first, in place of itself while it was under way.
function showRequest(q) {
  const list = byId("requests");
  const after = [...list.children].find((tr) => Number(tr.dataset.number) <= q.number);
  list.insertBefore(requestRow(q), after ?? null);
  if (after?.dataset.number === String(q.number)) after.remove();
  while (list.children.length > shown) list.lastChild.remove();
  countRequests();
}

function countRequests() {
  const n = byId("requests").children.length;
  byId("requests-empty").hidden = n > 0;
  byId("requests-count").textContent = n >= shown ? `the latest ${n}` : n || "";
}

async function loadRequests(signal) {
  const { requests } = await (await call("GET", "requests", undefined, signal)).json();
  byId("requests").replaceChildren(...requests.reverse().map(requestRow));
  countRequests();
}

let accountsText; // as it was answered last
async function loadAccounts(signal) {
  const text = await (await call("GET", "accounts", undefined, signal)).text();
  if (text === accountsText) return; // what a person has marked stays
  accountsText = text;
  const { accounts, total } = JSON.parse(text);
  byId("accounts").replaceChildren(...accounts.map((a) => row(
    cell("Account", [a.id, ""]),
    cell("Alias", ...some(a.alias, "")),
    cell("Scheme", [a.scheme, ""]),
    cell("Status", [a.status, a.status === "ACTIVE" ? "yes" : "failed"]),
    cell("Toolkit, user", [`${a.toolkit} of ${a.user}`, ""]),
    cell("Credentials", [a.credentials.join(", ") || "none", a.credentials.length ? "" : "kept"]),
  )));
  byId("accounts-empty").hidden = accounts.length > 0;
  byId("accounts-count").textContent = total > accounts.length ? `the first ${accounts.length} of ${total}` : total || "";
}

// loadFaults shows the faults, and which of them are on. What a person is typing is left alone.
async function loadFaults(signal) {
  const { faults, names } = await (await call("GET", "faults", undefined, signal)).json();
  const all = [...new Set([...names, ...Object.keys(faults)])];
  const form = byId("faults");
  if (form.children.length !== all.length) {
    form.replaceChildren(...all.map(faultSwitch));
    byId("answer-fault").append(...names.map((name) => new Option(name, name)));
  }
  for (const [i, name] of all.entries()) {
    const [on, rate] = form.children[i].querySelectorAll("input");
    if (rate === document.activeElement) continue;
    on.checked = name in faults;
    if (on.checked) rate.value = faults[name];
  }
}

function faultSwitch(name) {
  const line = document.createElement("div");
  line.className = "switch";
  const label = document.createElement("label");
  label.className = "check";
  const on = Object.assign(document.createElement("input"), { type: "checkbox", name });
  label.append(on, name);
  const rate = Object.assign(document.createElement("input"), { type: "number", min: 0, max: 1, step: "any", value: 0.2 });
  rate.setAttribute("aria-label", `part of all requests that meets ${name}`);
  line.append(label, rate);
  return line;
}

async function setFaults() {
  const faults = {};
  for (const line of byId("faults").children) {
    const [on, rate] = line.querySelectorAll("input");
    if (on.checked) faults[on.name] = Number(rate.value);
  }
  try {
    await call("PUT", "faults", { faults });
  } finally {
    document.activeElement?.matches("input[type=number]") || (await loadFaults());
  }
}

async function plan() {
  byId("planned").textContent = "";
  const fault = byId("answer-fault").value;
  let answer = { fault };
  if (!fault) {
    answer = { status: Number(byId("answer-status").value), body: byId("answer-body").value, apply: byId("answer-apply").checked };
  }
  await call("POST", "script", { answers: [answer] });
  byId("planned").textContent = `Planned: ${fault || `status ${answer.status}`}.`;
}

// follow shows requests as the stream of events tells of them, until the stream ends.
async function follow(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ""; ;) {
    const { done, value } = await reader.read();
    if (done) throw new Error("the sandbox has ended the stream");
    const events = (rest + value).split("\n\n");
    rest = events.pop();
    for (const event of events) showRequest(JSON.parse(event.replace(/^data: /, "")));
    if (events.length) refreshSoon();
  }
}

let refreshing;
function refreshSoon() {
  refreshing ??= setTimeout(() => {
    refreshing = undefined;
    loadAccounts(session.signal).catch((error) => session.signal.aborted || tell(error.message));
  }, 100);
}

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// connect follows the sandbox with a key until there is another one. A lost server is tried again each second.
async function connect(newKey) {
  session?.abort();
  session = new AbortController();
  const { signal } = session;
  key = newKey;
  tell("");
  while (!signal.aborted) {
    try {
      const events = await call("GET", "events", undefined, signal);
      await Promise.all([loadRequests(signal), loadAccounts(signal), loadFaults(signal)]);
      state("Connected", "live");
      tell("");
      await follow(events);
    } catch (error) {
      if (signal.aborted) return;
      if (error.status) {
        state("Not connected", "lost");
        tell(error.message);
        if (error.status < 500) return; // another key is needed, or another address
      } else {
        state("The sandbox is lost; trying again", "lost");
        tell(`The sandbox does not answer: ${error.message}. What stands here may be out of date.`);
      }
      await wait(1000);
    }
  }
}

// What other clients store, switch, forget or reset has no event, so it is looked at from time to time.
setInterval(() => {
  if (byId("state").className !== "live" || document.hidden) return;
  const { signal } = session;
  Promise.all([loadAccounts(signal), loadFaults(signal), checkRequests(signal)])
    .catch((error) => signal.aborted || byId("state").className !== "live" || tell(error.message)); // the stream says that the server is lost
}, 2000);

// checkRequests loads the requests anew if the journal ends with another one, or has another number of them.
async function checkRequests(signal) {
  const { requests: [latest], total } = await (await call("GET", "requests?limit=1", undefined, signal)).json();
  const rows = byId("requests").children;
  if (rows.length !== Math.min(total, shown) || rows[0]?.dataset.number !== latest?.number.toString()) await loadRequests(signal);
}

function keyFromAddress() {
  const given = new URLSearchParams(location.hash.slice(1)).get("key");
  if (given) connect(given);
}

const onSubmit = (id, action) => byId(id).addEventListener("submit", (event) => {
  event.preventDefault();
  action();
});
onSubmit("connect", () => connect(byId("key").value));
onSubmit("script", () => act(plan));
onSubmit("faults", () => act(setFaults));
byId("faults").addEventListener("change", () => act(setFaults));
byId("clear").addEventListener("click", () => act(async () => {
  await call("DELETE", "requests");
  await loadRequests();
}));
byId("reset").addEventListener("click", () => act(async () => {
  await call("POST", "reset");
  byId("planned").textContent = "";
  await Promise.all([loadRequests(), loadAccounts(), loadFaults()]);
}));
addEventListener("hashchange", keyFromAddress);
keyFromAddress();

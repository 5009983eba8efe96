"use strict";
// The page knows no model: it reads openapi.json, makes a form of the features it finds there, and asks the model.

const at = (id) => document.getElementById(id);
const make = (tag, text, kind) => {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (kind) made.className = kind;
  return made;
};
const base = new URL(".", location.href.replace(/\/docs\/?([?#].*)?$/, "/"));
const WORDS = { number: "number", integer: "whole number", boolean: "true or false", string: "text", array: "list" };
const FILTER_FROM = 12;
const state = { document: null, model: null, fields: [], key: "" };

function headers(extra) {
  return state.key ? { ...extra, authorization: `Bearer ${state.key}` } : extra;
}

async function start() {
  let answer;
  try {
    answer = await fetch(new URL("openapi.json", base), { headers: headers({}) });
  } catch {
    return tell("This server does not answer.");
  }
  if (answer.status === 401) {
    at("key-form").hidden = false;
    at("facts").textContent = "This model asks for an API key.";
    at("key").focus();
    return state.key ? tell("This key is not valid.") : undefined;
  }
  if (!answer.ok) return tell(await reason(answer));
  tell("");
  state.document = await answer.json();
  const models = modelsOf(state.document);
  at("models").replaceChildren(...models.map((model, place) => new Option(model.name, place)));
  at("pick").hidden = models.length < 2;
  at("models").onchange = () => show(models[at("models").value]);
  show(models[0]);
}

function modelsOf(told) {
  return Object.entries(told.paths)
    .filter(([path]) => path.startsWith("/v1/predict"))
    .map(([path, { post }]) => {
      const schemas = told.components.schemas;
      const own = post.requestBody.content["application/json"].schema.$ref.split("/").pop().replace(/Question$/, "");
      const features = schemas[`${own}Features`];
      const prediction = schemas[`${own}Prediction`].properties;
      const name = path.split("/")[3] || Object.keys(told.paths).find((each) => each.endsWith("/infer")).split("/")[3];
      return { path, features, prediction, name: decodeURIComponent(name), version: prediction.version.const };
    });
}

function show(model) {
  state.model = model;
  const properties = Object.entries(model.features.properties);
  document.title = `${model.name} · try the model`;
  at("title").textContent = model.name;
  at("facts").textContent = `Version ${model.version} · ${properties.length} feature${properties.length === 1 ? "" : "s"}`;
  state.fields = properties.map(([name, schema], place) => field(name, schema, place, model.features.required.includes(name)));
  at("features").replaceChildren(...state.fields.map((each) => each.box));
  at("filter").hidden = properties.length < FILTER_FROM;
  at("chances-label").hidden = !model.prediction.probabilities;
  for (const card of ["form", "answer-card", "curl-card", "doors-card"]) at(card).hidden = false;
  fill();
  doors();
}

function field(name, schema, place, required) {
  const types = [schema.type].flat();
  const type = types.find((each) => each !== "null");
  const box = make("div", undefined, type === "array" ? "field wide-field" : "field");
  const label = make("label", `${name} `);
  const input = make(type === "boolean" ? "select" : type === "array" ? "textarea" : "input");
  const wrong = make("span", "", "wrong");
  input.id = label.htmlFor = `f${place}`;
  wrong.id = `w${place}`;
  input.setAttribute("aria-describedby", wrong.id);
  if (type === "boolean") input.append(...(required ? [] : [new Option("", "")]), new Option("false"), new Option("true"));
  if (type === "number" || type === "integer") input.inputMode = "decimal";
  input.autocomplete = "off";
  input.spellcheck = false;
  const kind = schema.format === "date-time" ? "time, ISO 8601" : schema.contentEncoding || WORDS[type];
  label.append(make("span", required ? kind : `${kind}, optional`, "kind"));
  box.append(label, input, wrong);
  input.addEventListener("input", () => { mark(found, ""); curl(); });
  const found = { name, type, required, box, input, wrong };
  return found;
}

function mark(each, text) {
  each.wrong.textContent = text;
  if (text) each.input.setAttribute("aria-invalid", "true");
  else each.input.removeAttribute("aria-invalid");
}

function fill() {
  const example = (state.model.features.examples || [{}])[0];
  for (const each of state.fields) {
    const value = example[each.name];
    each.input.value = value === undefined || value === null ? "" : each.type === "array" ? JSON.stringify(value) : String(value);
    mark(each, "");
  }
  curl();
}

// Only what JSON cannot say is refused here; whether a value fits, the server says.
function read(each) {
  const text = each.input.value;
  if (text === "" && !(each.type === "string" && each.required)) {
    if (each.required) throw new Error("is missing");
    return undefined;
  }
  if (each.type === "string") return text;
  if (each.type === "boolean") return text === "true";
  if (each.type === "array") {
    try { return JSON.parse(text); } catch { throw new Error("is no JSON list"); }
  }
  const number = /^\s*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?\s*$/i.test(text) ? Number(text) : NaN;
  if (!Number.isFinite(number)) throw new Error("is no number");
  // A whole number beyond what a double holds goes out digit for digit.
  return Number.isInteger(number) && !Number.isSafeInteger(number) && /^\s*-?\d+\s*$/.test(text) ? { digits: text.trim() } : number;
}

function question(strict) {
  const parts = [];
  let first = null;
  for (const each of state.fields) {
    try {
      const value = read(each);
      if (value !== undefined) parts.push(`${JSON.stringify(each.name)}: ${value && value.digits ? value.digits : JSON.stringify(value)}`);
      mark(each, "");
    } catch (error) {
      if (strict) { mark(each, error.message); first = first || each; }
    }
  }
  const chances = at("chances-label").hidden || at("chances").checked;
  const options = chances ? "" : ', "options": {"return_probabilities": false}';
  return { body: `{"features": {${parts.join(", ")}}${options}}`, first };
}

function curl() {
  const body = question(false).body.replaceAll("'", "'\\''");
  const key = state.document.security ? " \\\n  -H 'authorization: Bearer YOUR_KEY'" : "";
  at("curl").textContent = `curl ${address()} \\\n  -H 'content-type: application/json'${key} \\\n  -d '${body}'`;
}

function address() {
  return new URL(state.model.path.slice(1), base).href;
}

async function predict(event) {
  event.preventDefault();
  const { body, first } = question(true);
  if (first) {
    at("filter").value = "";
    filter();
    return first.input.focus();
  }
  at("predict").disabled = true;
  try {
    const answer = await fetch(address(), { method: "POST", headers: headers({ "content-type": "application/json" }), body });
    const text = await answer.text();
    at("raw").textContent = pretty(text);
    at("raw-box").hidden = false;
    if (answer.ok) answered(JSON.parse(text));
    else refused(answer.status, text);
  } catch {
    refused("", '{"error": {"message": "This server does not answer."}}');
  }
  at("predict").disabled = false;
  at("answer-card").scrollIntoView({ block: "nearest" });
}

function answered(told) {
  status(`${told.latencyMs} ms`, false);
  const simple = typeof told.prediction !== "object" || told.prediction === null;
  const shown = typeof told.prediction === "number" ? readable(told.prediction) : told.prediction;
  const parts = [make("p", simple ? String(shown) : JSON.stringify(told.prediction), simple ? "verdict" : "verdict small")];
  if (typeof told.confidence === "number") parts.push(make("p", `${percent(told.confidence)} confident`, "quiet"));
  if (told.probabilities) parts.push(chart(told.probabilities));
  parts.push(make("p", `Version ${told.version} · request ${told.requestId}`, "quiet"));
  at("answer").replaceChildren(...parts);
}

function chart(probabilities) {
  const rows = Object.entries(probabilities).sort((one, other) => other[1] - one[1]).slice(0, 10);
  const box = make("div", undefined, "chances");
  for (const [name, chance] of rows) {
    const bar = make("progress");
    bar.max = 1;
    bar.value = Math.min(1, Math.max(0, chance || 0));
    bar.setAttribute("aria-label", `probability of ${name}`);
    box.append(make("span", name, "name"), bar, make("span", percent(chance), "value"));
  }
  return box;
}

function refused(code, text) {
  status(code ? `refused, ${code}` : "no answer", true);
  let message = text;
  try { message = JSON.parse(text).error.message; } catch { /* no JSON: told as it came */ }
  const problems = make("ul", undefined, "problems");
  for (const problem of String(message).split("; ")) {
    problems.append(make("li", problem.replace(/^features\./, "")));
    const each = state.fields.find((one) => problem.startsWith(`features."${one.name}": `));
    if (each) mark(each, problem.slice(`features."${each.name}": `.length));
  }
  at("answer").replaceChildren(problems);
}

function status(text, bad) {
  at("status").textContent = text;
  at("status").className = bad ? "tag bad" : "tag";
}

function doors() {
  const rows = Object.entries(state.document.paths).flatMap(([path, verbs]) =>
    Object.entries(verbs).map(([verb, { summary }]) => {
      const row = make("li");
      row.append(make("span", verb.toUpperCase(), "verb"), make("code", path), make("span", summary, "quiet"));
      return row;
    }));
  at("doors").replaceChildren(...rows);
}

function filter() {
  const wanted = at("filter").value.trim().toLowerCase();
  for (const each of state.fields) each.box.hidden = !each.name.toLowerCase().includes(wanted);
}

async function reason(answer) {
  try { return (await answer.json()).error.message; } catch { return `This server answers ${answer.status}.`; }
}

function tell(text) {
  at("notice").textContent = text;
  at("notice").hidden = !text;
}

const percent = (chance) => (typeof chance === "number" ? `${(chance * 100).toFixed(chance > 0.0995 && chance < 0.9995 ? 1 : 2)} %` : "–");
const readable = (number) => (Number.isInteger(number) ? number : Number(number.toPrecision(7)));
const pretty = (text) => { try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; } };

async function copy() {
  try {
    await navigator.clipboard.writeText(at("curl").textContent);
  } catch {
    getSelection().selectAllChildren(at("curl"));
    document.execCommand("copy");
  }
  at("copy").textContent = "Copied";
  setTimeout(() => { at("copy").textContent = "Copy"; }, 1500);
}

at("form").addEventListener("submit", predict);
at("reset").addEventListener("click", fill);
at("filter").addEventListener("input", filter);
at("chances").addEventListener("change", curl);
at("copy").addEventListener("click", copy);
at("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  state.key = at("key").value.trim();
  start();
});
start();

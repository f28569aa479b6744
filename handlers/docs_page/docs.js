// Renders openapi.json as it stands: no library, no build step, nothing from elsewhere.

const token = document.getElementById("token");
const filter = document.getElementById("filter");
const main = document.getElementById("main");
let api;

function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== false) node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

function resolve(schema) {
  return schema && schema.$ref ? api.components.schemas[schema.$ref.split("/").pop()] : schema;
}

/** Text in which `code` is marked as such. */
function prose(text) {
  return (text ?? "").split(/`{1,2}([^`]+)`{1,2}/).map((part, n) => (n % 2 ? el("code", {}, part) : part));
}

function bounds(low, high, unit = "") {
  if (low === undefined && high === undefined) return "";
  if (low === high) return `${low}${unit}`;
  if (low === undefined) return `at most ${high}${unit}`;
  return high === undefined ? `at least ${low}${unit}` : `${low} to ${high}${unit}`;
}

/** One line that tells what fits: `string uuid`, `integer 0 to 9 = 5`, `array of Task`. */
function typeName(schema) {
  if (!schema) return "";
  const words = [];
  if (schema.$ref) words.push(schema.$ref.split("/").pop());
  else if (schema.anyOf) words.push(schema.anyOf.map(typeName).join(" or "));
  else if (schema.enum) words.push(schema.enum.map((value) => JSON.stringify(value)).join(" | "));
  else {
    words.push(schema.type ?? "anything", schema.format);
    if (schema.items) words.push("of", typeName(schema.items));
    if (schema.additionalProperties?.type || schema.additionalProperties?.$ref) words.push("of", typeName(schema.additionalProperties));
    words.push(bounds(schema.minimum, schema.maximum), bounds(schema.minItems, schema.maxItems, " items"));
    if (!schema.format) words.push(bounds(schema.minLength, schema.maxLength, " characters"));
  }
  if ((schema.default ?? null) !== null) words.push(`= ${JSON.stringify(schema.default)}`);
  return words.filter(Boolean).join(" ");
}

/** The components that a schema names, each once. */
function named(schema) {
  const inner = [schema?.items, schema?.additionalProperties, ...(schema?.anyOf ?? [])];
  return schema?.$ref ? [schema] : inner.filter((part) => typeof part === "object").flatMap(named);
}

/** A value that fits, for people to start from. */
function sample(schema, depth = 0) {
  const given = schema;
  schema = resolve(schema);
  if (!schema || depth > 4) return null;
  if (schema.default !== undefined) return schema.default;
  if (schema.anyOf) return sample(schema.anyOf[0], depth);
  if (schema.enum) return schema.enum[0];
  if (schema.properties) {
    const names = given.$ref && depth === 0 ? schema.required ?? [] : Object.keys(schema.properties);
    return Object.fromEntries(names.map((name) => [name, sample(schema.properties[name], depth + 1)]));
  }
  if (schema.format === "date-time") return "2030-01-01T00:00:00Z";
  return { array: [], object: {}, string: "", integer: schema.minimum ?? 0, number: 0, boolean: false }[schema.type] ?? null;
}

function rows(items) {
  return el("table", {}, ...items.map(([name, schema, required]) =>
    el("tr", {}, el("td", {}, el("code", {}, name), required ? "" : " ?"),
      el("td", {}, schema.$ref ? null : typeName(schema), pattern(schema), ...named(schema).map(folded)))));
}

/** The regular expression of text whose format has no name of its own. */
function pattern(schema) {
  const [text] = [schema, ...(schema?.anyOf ?? [])].filter((part) => part?.pattern && !part.format);
  return text ? el("code", { class: "soft pattern" }, text.pattern.replace("(?![\\s\\S])", "$")) : null;
}

/** A component that shows what is in it when it is opened: some contain themselves. */
function folded(schema) {
  const view = el("details", {}, el("summary", {}, el("code", {}, typeName({ $ref: schema.$ref }))));
  view.addEventListener("toggle", () => view.append(fields(resolve(schema))), { once: true });
  return view;
}

function fields(target) {
  const required = new Set(target.required ?? []);
  return el("div", {}, target.description ? el("p", { class: "soft" }, ...prose(target.description)) : null,
    rows(Object.entries(target.properties ?? {}).map(([name, inner]) => [name, inner, required.has(name)])));
}

function schemaView(schema) {
  const title = el("div", {}, el("code", {}, typeName(schema)));
  return schema.$ref ? el("div", {}, title, fields(resolve(schema))) : el("div", {}, title, ...named(schema).map(folded));
}

function answers(operation) {
  const shown = new Map();
  return el("table", {}, ...Object.entries(operation.responses).map(([status, answer]) => {
    const [[kind, content] = []] = Object.entries(answer.content ?? {});
    const key = JSON.stringify(content?.schema);
    let body = el("span", {}, ...prose(answer.description));
    if (kind === "application/json" && shown.has(key)) body.append(` As ${shown.get(key)}.`);
    else if (kind === "application/json") body = schemaView(content.schema);
    shown.set(key, status);
    return el("tr", {}, el("td", {}, status), el("td", {}, body));
  }));
}

async function send(event, method, path, operation, output) {
  event.preventDefault();
  const form = new FormData(event.target);
  const headers = {};
  const query = new URLSearchParams();
  let url = path;
  for (const parameter of operation.parameters ?? []) {
    const value = form.get(`${parameter.in}:${parameter.name}`);
    if (!value) continue;
    if (parameter.in === "path") url = url.replace(`{${parameter.name}}`, encodeURIComponent(value));
    if (parameter.in === "query") query.append(parameter.name, value);
    if (parameter.in === "header") headers[parameter.name] = value;
  }
  if (token.value) headers.Authorization = `Bearer ${token.value}`;
  const body = form.get("body") || undefined;
  if (body) headers["Content-Type"] = "application/json";
  output.hidden = false;
  output.textContent = "…";
  try {
    const answer = await fetch(query.size ? `${url}?${query}` : url, { method: method.toUpperCase(), headers, body });
    const text = await answer.text();
    let shown = text;
    try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch { /* not JSON: as it is */ }
    output.textContent = `${answer.status} ${answer.statusText}  ${answer.headers.get("X-Request-ID") ?? ""}\n\n${shown}`;
  } catch (error) {
    output.textContent = String(error);
  }
}

function tryIt(method, path, operation) {
  const output = el("pre", { hidden: "" });
  const content = operation.requestBody?.content["application/json"];
  const fields = (operation.parameters ?? []).map((parameter) =>
    el("label", {}, `${parameter.name} `, el("input", {
      name: `${parameter.in}:${parameter.name}`, required: parameter.required && "", placeholder: typeName(parameter.schema),
    })));
  const text = content && JSON.stringify(content.example ?? sample(content.schema), null, 2);
  const body = content && el("textarea",
    { name: "body", "aria-label": "body", spellcheck: "false", rows: Math.min(30, text.split("\n").length + 1) }, text);
  return el("form", { onsubmit: (event) => send(event, method, path, operation, output) },
    ...fields, body, el("button", {}, "Send"), output);
}

function operationView(method, path, operation) {
  const view = el("details", { class: "operation", id: operation.operationId },
    el("summary", {}, el("span", { class: `method ${method}` }, method.toUpperCase()),
      el("span", { class: "path" }, path), el("span", { class: "soft" }, " ", ...prose(operation.summary))));
  view.addEventListener("toggle", () => {  // filled when it is first opened: a long page stays quick
    if (view.childElementCount > 1) return;
    const parameters = operation.parameters ?? [];
    const content = operation.requestBody?.content["application/json"];
    view.append(el("p", {}, ...prose(operation.description)));
    if (operation["x-posthouse-rpc"]) view.append(el("p", {}, "rpc: ", el("code", {}, operation["x-posthouse-rpc"])));
    if (parameters.length) {
      view.append(el("h3", {}, "Parameters"), rows(parameters.map((p) => [`${p.name} (${p.in})`, p.schema, p.required])));
    }
    if (content) view.append(el("h3", {}, "Body"), schemaView(content.schema));
    view.append(el("h3", {}, "Answers"), answers(operation), el("h3", {}, "Try it"), tryIt(method, path, operation));
  });
  return view;
}

/** Open what the address names: `/api/docs#createTask`. */
function open() {
  const view = document.getElementById(location.hash.slice(1));
  if (!(view instanceof HTMLDetailsElement)) return;
  view.open = true;
  view.scrollIntoView();
}

function render() {
  const wanted = filter.value.toLowerCase();
  const byTag = new Map(api.tags.map((tag) => [tag.name, []]));
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      if (operation.operationId === `${methods.patch?.operationId}ByPut`) continue;  // the same once more
      const text = `${method} ${path} ${operation.summary} ${operation["x-posthouse-rpc"] ?? ""}`.toLowerCase();
      if (!text.includes(wanted)) continue;
      const tag = operation.tags?.[0] ?? "other";
      if (!byTag.has(tag)) byTag.set(tag, []);
      byTag.get(tag).push(operationView(method, path, operation));
    }
  }
  main.replaceChildren(el("p", { class: "soft" }, ...prose(api.info.description)),
    ...[...byTag].filter(([, views]) => views.length).flatMap(([tag, views]) => [el("h2", {}, tag), ...views]));
}

api = await (await fetch("openapi.json")).json();
document.title = `${api.info.title} ${api.info.version}`;
document.querySelector("h1").textContent = document.title;
filter.addEventListener("input", render);
addEventListener("hashchange", open);
render();
open();

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

/** One line that tells what fits: `string uuid`, `integer 0 to 9 = 5`, `array of Task`. */
function typeName(schema) {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.anyOf) return schema.anyOf.map(typeName).join(" or ");
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const words = [schema.type ?? "anything", schema.format];
  if (schema.items) words.push("of", typeName(schema.items));
  if (schema.minimum !== undefined) words.push(`from ${schema.minimum}`);
  if (schema.maximum !== undefined) words.push(`to ${schema.maximum}`);
  if (schema.minLength !== undefined) words.push(`at least ${schema.minLength} characters`);
  if (schema.maxLength !== undefined) words.push(`at most ${schema.maxLength} characters`);
  if (schema.default !== undefined) words.push(`= ${JSON.stringify(schema.default)}`);
  return words.filter(Boolean).join(" ");
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
    el("tr", {}, el("td", {}, el("code", {}, name), required ? "" : " ?"), el("td", {}, typeName(schema)))));
}

function schemaView(schema) {
  const target = resolve(schema);
  const title = el("p", {}, el("code", {}, typeName(schema)));
  if (!target?.properties) return title;
  const required = new Set(target.required ?? []);
  return el("div", {}, title, target.description ? el("p", { class: "soft" }, target.description) : null,
    rows(Object.entries(target.properties).map(([name, inner]) => [name, inner, required.has(name)])));
}

function answers(operation) {
  return el("table", {}, ...Object.entries(operation.responses).map(([status, answer]) => {
    const [kind] = Object.values(answer.content ?? {});
    const isProblem = Boolean(answer.content?.["application/problem+json"]);
    const body = isProblem ? answer.description.replaceAll("`", "") : kind ? schemaView(kind.schema) : answer.description;
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
  const body = content && el("textarea", { name: "body", "aria-label": "body", spellcheck: "false" },
    JSON.stringify(content.example ?? sample(content.schema), null, 2));
  return el("form", { onsubmit: (event) => send(event, method, path, operation, output) },
    ...fields, body, el("button", {}, "Send"), output);
}

function operationView(method, path, operation) {
  const view = el("details", { class: "operation", id: operation.operationId },
    el("summary", {}, el("span", { class: `method ${method}` }, method.toUpperCase()),
      el("span", { class: "path" }, path), el("span", { class: "soft" }, ` ${operation.summary ?? ""}`)));
  view.addEventListener("toggle", () => {  // filled when it is first opened: a long page stays quick
    if (view.childElementCount > 1) return;
    const parameters = operation.parameters ?? [];
    const content = operation.requestBody?.content["application/json"];
    view.append(el("p", {}, operation.description ?? ""));
    if (operation["x-posthouse-rpc"]) view.append(el("p", {}, "rpc: ", el("code", {}, operation["x-posthouse-rpc"])));
    if (parameters.length) {
      view.append(el("h3", {}, "Parameters"), rows(parameters.map((p) => [`${p.name} (${p.in})`, p.schema, p.required])));
    }
    if (content) view.append(el("h3", {}, "Body"), schemaView(content.schema));
    view.append(el("h3", {}, "Answers"), answers(operation), el("h3", {}, "Try it"), tryIt(method, path, operation));
  });
  return view;
}

function render() {
  const wanted = filter.value.toLowerCase();
  const byTag = new Map(api.tags.map((tag) => [tag.name, []]));
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const text = `${method} ${path} ${operation.summary} ${operation["x-posthouse-rpc"] ?? ""}`.toLowerCase();
      if (!text.includes(wanted)) continue;
      const tag = operation.tags?.[0] ?? "other";
      if (!byTag.has(tag)) byTag.set(tag, []);
      byTag.get(tag).push(operationView(method, path, operation));
    }
  }
  main.replaceChildren(el("p", { class: "soft" }, api.info.description ?? ""),
    ...[...byTag].filter(([, views]) => views.length).flatMap(([tag, views]) => [el("h2", {}, tag), ...views]));
}

api = await (await fetch("openapi.json")).json();
document.title = `${api.info.title} ${api.info.version}`;
document.querySelector("h1").textContent = document.title;
filter.addEventListener("input", render);
render();

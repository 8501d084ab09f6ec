// Draws the OpenAPI document and the error catalogue as one searchable page. Everything is written as text, never as
// markup, so that no document can bring a script along.
"use strict";

const METHODS = ["get", "post", "put", "patch", "delete"];

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

const shortName = (reference) => reference.split("/").pop();

function typeOf(schema) {
  if (!schema) return "";
  if (schema.$ref) return shortName(schema.$ref);
  const union = schema.anyOf ?? schema.oneOf;
  if (union) return union.map(typeOf).join(" or ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(" | ");
  if (schema.type === "array") return `list of ${typeOf(schema.items)}`;
  return [schema.type, schema.format].filter(Boolean).join(", ");
}

function bounds(schema) {
  const names = ["minimum", "maximum", "exclusiveMinimum", "minLength", "maxLength", "minItems", "maxItems", "pattern"];
  const told = names.filter((name) => schema?.[name] !== undefined).map((name) => `${name} ${schema[name]}`);
  if (schema?.default !== undefined) told.push(`default ${JSON.stringify(schema.default)}`);
  return told.join("; ");
}

function table(heads, rows) {
  const head = element("tr", {}, ...heads.map((text) => element("th", {}, text)));
  return element("table", {}, head, ...rows.map((row) => element("tr", {}, ...row.map((cell) => element("td", {}, cell ?? "")))));
}

function fields(schema, schemas, seen = new Set()) {
  const reference = schema?.$ref ?? schema?.items?.$ref;
  if (!reference || seen.has(reference)) return [];
  seen.add(reference);
  const named = schemas[shortName(reference)] ?? {};
  const rows = Object.entries(named.properties ?? {}).map(([name, field]) => [
    (named.required ?? []).includes(name) ? name : `${name} (optional)`, typeOf(field), [field.description, bounds(field)].filter(Boolean).join("; "),
  ]);
  const deeper = Object.values(named.properties ?? {}).flatMap((field) => [field, ...(field.anyOf ?? [])]).flatMap((field) => fields(field, schemas, seen));
  const title = element("p", {}, element("strong", {}, shortName(reference)), ` ${named.description ?? ""} ${named.enum ? typeOf(named) : ""}`);
  return [title, ...(rows.length ? [table(["field", "type", ""], rows)] : []), ...deeper];
}

function operation(path, method, about, schemas) {
  const content = (part) => Object.values(part?.content ?? {})[0]?.schema;
  const parameters = (about.parameters ?? []).map((one) => [one.required ? one.name : `${one.name} (optional)`, one.in, typeOf(one.schema), bounds(one.schema)]);
  const good = Object.entries(about.responses ?? {}).filter(([status]) => status.startsWith("2"));
  const faults = Object.keys(about.responses ?? {}).filter((status) => !status.startsWith("2"));
  const asked = content(about.requestBody);
  const body = element("div", { class: "body" },
    parameters.length ? table(["parameter", "in", "type", ""], parameters) : null,
    asked ? element("h3", {}, "Body") : null, ...(asked ? fields(asked, schemas) : []),
    ...good.flatMap(([status, answer]) => [element("h3", {}, `Answer ${status}`), ...fields(content(answer), schemas)]),
    element("p", { class: "quiet" }, `May also answer ${faults.join(", ")} with an error of the catalogue.`));
  const head = element("summary", {}, element("b", { class: `method ${method}` }, method.toUpperCase()), element("code", {}, path), element("span", {}, (about.description ?? about.summary ?? "").split("\n")[0]));
  const drawn = element("details", { id: `${method}-${path}` }, head, body);
  drawn.dataset.words = `${method} ${path} ${about.description ?? ""} ${about.tags ?? ""}`.toLowerCase();
  return drawn;
}

function fault(entry) {
  const head = element("summary", {}, element("b", { class: "method error" }, String(entry.status)), element("code", {}, entry.code), element("span", {}, entry.message));
  const body = element("div", { class: "body" },
    table(["", ""], [["cause", entry.cause], ["what to do", entry.remedy], ["whose fault", entry.fault]]),
    element("pre", {}, JSON.stringify(entry.example, null, 2)));
  const drawn = element("details", { id: `error-${entry.code}` }, head, body);
  drawn.dataset.words = `${entry.code} ${entry.status} ${entry.message} ${entry.cause}`.toLowerCase();
  return drawn;
}

function section(title, drawn) {
  return element("section", {}, element("h2", {}, title), ...drawn);
}

function find() {
  const words = document.getElementById("find").value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const part of document.querySelectorAll("section")) {
    const drawn = [...part.querySelectorAll("details")];
    for (const one of drawn) one.hidden = !words.every((word) => one.dataset.words.includes(word));
    part.hidden = drawn.every((one) => one.hidden);
  }
}

async function read(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address} answered ${answer.status}`);
  return answer.json();
}

async function draw() {
  const main = document.getElementById("main");
  try {
    const [api, errors] = await Promise.all([read("/docs/openapi.json"), read("/docs/errors.json")]);
    const groups = new Map();
    for (const [path, operations] of Object.entries(api.paths)) {
      for (const method of METHODS.filter((one) => operations[one])) {
        const group = operations[method].tags?.[0] ?? "other";
        groups.set(group, [...(groups.get(group) ?? []), operation(path, method, operations[method], api.components.schemas)]);
      }
    }
    main.replaceChildren(element("p", {}, api.info.description), ...[...groups].sort().map(([name, drawn]) => section(name, drawn)), section("Errors", errors.map(fault)));
    document.getElementById("find").addEventListener("input", find);
    const named = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (named) { named.open = true; named.scrollIntoView(); }
  } catch (failure) {
    main.replaceChildren(element("p", {}, `The documents could not be read (${failure.message}). Reload to try again.`));
  }
}

draw();

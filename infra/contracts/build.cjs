#!/usr/bin/env node
// Compiles every folder of infra/contracts that holds Solidity with the pinned solc, and writes ABI and bytecode of
// each contract to artifacts/<folder>/<Name>.json; with a folder as argument to that, for comparison.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const solc = require("solc");

const HERE = __dirname;
const MODULES = path.join(HERE, "..", "..", "node_modules");
const ARTIFACTS = path.resolve(process.argv[2] ?? path.join(HERE, "artifacts"));

const SETTINGS = {
  optimizer: { enabled: true, runs: 200 },
  evmVersion: "cancun",
  // Without the metadata hash the bytecode depends on nothing but the code, so a rebuild can be compared.
  metadata: { bytecodeHash: "none", appendCBOR: false },
  outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
};

/** Every .sol file below a folder, as paths relative to infra/contracts. */
function sourcesBelow(folder) {
  return fs.readdirSync(path.join(HERE, folder), { withFileTypes: true }).flatMap((entry) => {
    const inside = path.posix.join(folder, entry.name);
    if (entry.isDirectory()) return sourcesBelow(inside);
    return entry.name.endsWith(".sol") ? [inside] : [];
  });
}

/** The content of an import that is not one of the sources: a package in node_modules. */
function fromModules(importPath) {
  const file = path.join(MODULES, importPath);
  return fs.existsSync(file) ? { contents: fs.readFileSync(file, "utf8") } : { error: `${importPath} is not installed` };
}

/** ABI and bytecode of every contract below a folder; what cannot be deployed by itself is left out. */
function compile(folder) {
  const files = sourcesBelow(folder).sort();
  const sources = Object.fromEntries(files.map((f) => [f, { content: fs.readFileSync(path.join(HERE, f), "utf8") }]));
  const input = JSON.stringify({ language: "Solidity", sources, settings: SETTINGS });
  const output = JSON.parse(solc.compile(input, { import: fromModules }));
  const problems = (output.errors ?? []).map((problem) => problem.formattedMessage);
  if (problems.length > 0) throw new Error(problems.join("\n"));
  return files.flatMap((file) =>
    Object.entries(output.contracts[file] ?? {})
      .filter(([name]) => path.basename(file, ".sol") === name && !file.includes("/interfaces/"))
      .map(([name, built]) => ({ name, abi: built.abi, bytecode: `0x${built.evm.bytecode.object}` }))
      .filter(({ abi, bytecode }) => bytecode !== "0x" && abi.some((entry) => entry.type === "function")),
  );
}

const isSourceFolder = (entry) =>
  entry.isDirectory() && entry.name !== "artifacts" && sourcesBelow(entry.name).length > 0;
for (const { name: folder } of fs.readdirSync(HERE, { withFileTypes: true }).filter(isSourceFolder)) {
  const target = path.join(ARTIFACTS, folder);
  fs.rmSync(target, { recursive: true, force: true });
  fs.mkdirSync(target, { recursive: true });
  for (const { name, abi, bytecode } of compile(folder)) {
    fs.writeFileSync(path.join(target, `${name}.json`), `${JSON.stringify({ abi, bytecode })}\n`);
    console.log(`${folder}/${name}: ${(bytecode.length - 2) / 2} bytes`);
  }
}

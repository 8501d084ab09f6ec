// A Surfpool node in this process: `node surfpool.cjs CONFIG.json READY.json`.
//
// CONFIG.json holds the SDK's options and `programs`, a list of {programId, soPath}. Once the node listens, its
// addresses and the key of its funded payer are written to READY.json.
const fs = require("node:fs");
const { Surfnet } = require("@solana/surfpool-linux-x64-gnu");

const DRAIN_MS = 20;
const ATTEMPTS_MAX = 5;

function start(options, attempt = 1) {
  try {
    return Surfnet.startWithConfig(options);
  } catch (failure) {
    // The SDK looks for free ports first and binds them later; somebody may be faster.
    if (attempt === ATTEMPTS_MAX) throw failure;
    return start(options, attempt + 1);
  }
}

const [configPath, readyPath] = process.argv.slice(2);
const { programs, ...options } = JSON.parse(fs.readFileSync(configPath, "utf8"));
const surfnet = start(options);
for (const { programId, soPath } of programs ?? []) surfnet.deploy({ programId, soBytes: [...fs.readFileSync(soPath)] });

const ready = {
  url: surfnet.rpcUrl,
  wsUrl: surfnet.wsUrl,
  payer: surfnet.payer,
  payerSecret: Array.from(surfnet.payerSecretKey),
};
fs.writeFileSync(`${readyPath}.new`, JSON.stringify(ready), { mode: 0o600 });
fs.renameSync(`${readyPath}.new`, readyPath);

// The queue of events is bounded: a node that nobody listens to stands still after some hundred blocks.
setInterval(() => surfnet.drainEvents(), DRAIN_MS);
process.on("SIGTERM", () => process.exit(0));

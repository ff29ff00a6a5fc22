// Audits the server at the URL given and prints one JSON array: what each rule is called and how it ended.
import { serverAudits } from "graphql-http";

const results = [];
for (const { id, name, fn } of serverAudits({ url: process.argv[2] })) {
  const { status, reason } = await fn();
  results.push({ id, name, passed: status === "ok", reason: reason ?? null });
}
process.stdout.write(JSON.stringify(results));

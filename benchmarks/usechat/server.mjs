// The rival's server: the AI SDK's UI message stream on Node's own HTTP server, one delta per token.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { json } from "node:stream/consumers";
import { createUIMessageStream, pipeUIMessageStreamToResponse } from "ai";

const [port] = process.argv.slice(2);
const built = (name) => readFileSync(new URL(`built/${name}`, import.meta.url), "utf8");
const { text, tokenLength } = JSON.parse(built("text.json"));
const script = built("page.js");
const html = `<!doctype html>
<html lang="en">
<title>useChat</title>
<div id="root"></div>
<script src="/page.js"></script>
</html>
`;

// Resolves when a token is due on the schedule of benchmarks/tokens.py: absolute, and giving way
// after each token. As lean as can be, so that what is measured is the AI SDK.
const due = (start, number, rate) =>
  new Promise((resolve) => {
    const wait = rate ? start + (number * 1000) / rate - performance.now() : 0;
    if (wait > 0) setTimeout(resolve, wait);
    else setImmediate(resolve);
  });

async function chat(request, response) {
  const { count, rate } = await json(request);
  const stream = createUIMessageStream({
    execute: async ({ writer }) => {
      writer.write({ type: "start" });
      writer.write({ type: "text-start", id: "answer" });
      const start = performance.now();
      for (let number = 0; number < count; number += 1) {
        await due(start, number, rate);
        const delta = text.slice(number * tokenLength, (number + 1) * tokenLength);
        writer.write({ type: "text-delta", id: "answer", delta });
      }
      writer.write({ type: "text-end", id: "answer" });
      writer.write({ type: "finish" });
    },
  });
  pipeUIMessageStreamToResponse({ response, stream });
}

const send = (response, type, body) => response.setHeader("Content-Type", type).end(body);

createServer((request, response) => {
  if (request.url === "/api/chat") return chat(request, response);
  if (request.url === "/page.js") return send(response, "text/javascript", script);
  return send(response, "text/html; charset=utf-8", html);
}).listen(Number(port), "127.0.0.1");

// embed_endpoint.mjs: a server that speaks OpenAI's /v1/embeddings and counts
// letters: a double of the protocol, never of an embedding.
import { createServer } from "node:http";

/**
 * An endpoint whose vectors count letters; what came is in `requests`. Asked
 * for other dimensions it makes as many; `silent` it never answers. The port.
 */
export function endpoint(t, dim, requests, { silent = false } = {}) {
  const server = createServer((request, answer) => {
    let body = "";
    request.on("data", (data) => (body += data));
    request.on("end", () => {
      requests.push({ url: request.url, headers: request.headers, body });
      if (silent) return;
      const asked = JSON.parse(body);
      const size = asked.dimensions ?? dim;
      const data = asked.input.map((text, index) => {
        const embedding = new Array(size).fill(0);
        for (const byte of Buffer.from(text)) embedding[byte % size] += 1;
        return { object: "embedding", index, embedding };
      });
      answer.setHeader("Content-Type", "application/json");
      answer.end(JSON.stringify({ object: "list", data: data.reverse() }));
    });
  });
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve(server.address().port)),
  );
}

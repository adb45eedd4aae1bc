// What index_page.mjs does, in the page or in a worker: an index that is kept
// under a name, before and after a reload.
import { createIndex, openIndex, openStore } from "./dist/index.js";
import { answers, fill, makeIndex, ROWS } from "./js/index_support.mjs";

/** Makes an index, commits it, then commits changes; says what it answers. */
async function make(name, kind) {
  const store = await openStore(name, { kind });
  const index = await makeIndex(createIndex, { store });
  await index.commit();
  const [whole, size] = [index.info().fileFrames, store.size];
  fill(index, ROWS, 10, 5);
  index.delete([12]);
  await index.commit();
  const result = {
    kind: store.kind,
    frames: [whole, index.info().fileFrames],
    grew: store.size > size,
    busy: await openStore(name, { kind }).then(() => "opened", (error) => error.code),
    answers: answers(index),
  };
  fill(index, ROWS + 10, 10, 6); // never committed
  await index.close();
  return result;
}

/** Opens it, changes it again, and opens it once more. */
async function again(name, kind) {
  const store = await openStore(name, { kind });
  const index = await openIndex(store);
  const result = {
    kind: store.kind,
    frames: index.info().fileFrames,
    answers: answers(index),
  };
  fill(index, 100000 + index.count, 5, 7);
  await index.commit();
  const changed = JSON.stringify(answers(index));
  index.compact();
  await index.commit(); // as a whole file
  result.compacted = index.info().fileFrames;
  await index.close();
  const last = await openIndex(await openStore(name, { kind }));
  result.count = last.count;
  result.sameAfterwards = JSON.stringify(answers(last)) === changed;
  const bytes = last.save();
  await last.close();
  result.fromBytes = (await openIndex(bytes)).count;
  return result;
}

export async function step(name, kind, opened) {
  try {
    return await (opened ? again(name, kind) : make(name, kind));
  } catch (error) {
    return { failed: String(error.stack ?? error) };
  }
}

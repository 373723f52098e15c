// Prints, one a line, the sources that a Content-Security-Policy needs for the <style> elements in
// the shadow roots of a bundle's custom elements: their hashes, so that no other style is let in.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import vm from "node:vm";

// Just enough of a browser for the elements to be defined; none is ever made.
const elements = [];
const nothing = () => {};
class EventTarget {
  addEventListener() {}
  removeEventListener() {}
}
class HTMLElement extends EventTarget {}
const page = new EventTarget();
Object.assign(page, { createElement: () => new EventTarget(), querySelector: nothing });
const names = {
  EventTarget, HTMLElement,
  document: page,
  navigator: { language: "en", userAgent: "" },
  customElements: { get: nothing, define: (_, element) => elements.push(element) },
  ResizeObserver: class { observe() {} },
  Event: class {}, CustomEvent: class {},
  AbortController: class { abort() {} },
  DOMParser: class { parseFromString() { return page; } },
  addEventListener: nothing,
  matchMedia: () => ({ addEventListener: nothing }),
  setTimeout: nothing,
};
names.window = names.globalThis = names;
vm.runInNewContext(readFileSync(process.argv[2], "utf8"), names);

const styles = elements
  .filter((element) => element.getTemplateHTML)
  .flatMap((element) => [...element.getTemplateHTML({}, {}).matchAll(/<style[^>]*>([^]*?)<\/style>/g)])
  .map(([, text]) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`);
console.log([...new Set(styles)].sort().join("\n"));

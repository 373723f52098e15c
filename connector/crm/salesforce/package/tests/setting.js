/** Places components on a page as Salesforce does, and stands where the browser's clipboard is. */
import { createElement } from 'lwc';

/** Place a component and return its element. */
export function place(tag, component, properties) {
    const element = createElement(tag, { is: component });
    Object.assign(element, properties);
    document.body.appendChild(element);
    return element;
}

/** Take everything off the page; components are told that they go. */
export function clear() {
    while (document.body.firstChild) {
        document.body.removeChild(document.body.firstChild);
    }
    jest.clearAllMocks();
    delete window.ClipboardItem;
    delete navigator.clipboard;
    delete document.execCommand;
}

/** Let everything that is promised come true. */
export async function settled() {
    for (let turn = 0; turn < 5; turn += 1) {
        await Promise.resolve();
    }
}

/** Wait until something holds, such as that a file was read; the test's own limit ends the wait. */
export async function until(holds) {
    while (!holds()) {
        await new Promise((resolve) => {
            setTimeout(resolve, 0);
        });
    }
}

/** Make a record as the wire gives it; fields that are null are there without value. */
export function record(id, object, values) {
    const fields = Object.fromEntries(
        Object.entries(values).map(([name, value]) => [name, { value, displayValue: null }])
    );
    return { id, apiName: object, fields, lastModifiedDate: '2026-11-21T12:00:00.000Z' };
}

/** Find one element in the shade of a component. */
export function find(element, selector) {
    return element.shadowRoot.querySelector(selector);
}

/** Read what a component says, without doubled spaces. */
export function text(element, selector) {
    return find(element, selector)?.textContent.replace(/\s+/g, ' ').trim();
}

/** Give the page a clipboard; what was copied is kept by type. */
export function clipboard() {
    const kept = {};
    window.ClipboardItem = class {
        constructor(parts) {
            this.parts = parts;
        }
    };
    navigator.clipboard = {
        async write([item]) {
            for (const [type, blob] of Object.entries(item.parts)) {
                kept[type] = await read(blob);
            }
        }
    };
    return kept;
}

function read(blob) {
    return new Promise((resolve) => {
        const reader = new FileReader();
        reader.onload = () => resolve(reader.result);
        reader.readAsText(blob);
    });
}

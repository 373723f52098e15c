/**
 * Copies text, or text with its HTML, so that it can be pasted into an e-mail.
 */

/** Copy what is given by type, such as `text/plain`; an Error where the browser does not allow it. */
export async function copy(parts) {
    if (!(await written(parts)) && !copiedByEvent(parts)) {
        throw new Error('The browser did not allow it to be copied.');
    }
}

async function written(parts) {
    const Item = window.ClipboardItem;
    if (!Item || !navigator.clipboard?.write) {
        return false;
    }
    const blobs = Object.entries(parts).map(([type, text]) => [type, new Blob([text], { type })]);
    try {
        await navigator.clipboard.write([new Item(Object.fromEntries(blobs))]);
        return true;
    } catch {
        return false;
    }
}

// older browsers, and pages whose frame may not use the clipboard by itself
function copiedByEvent(parts) {
    let done = false;
    const fill = (event) => {
        event.preventDefault();
        event.stopImmediatePropagation();
        Object.entries(parts).forEach(([type, text]) => event.clipboardData.setData(type, text));
        done = true;
    };
    document.addEventListener('copy', fill, true);
    try {
        return document.execCommand('copy') && done;
    } finally {
        document.removeEventListener('copy', fill, true);
    }
}

/** A video to be sent: its buttons put into the clipboard what is to be pasted. */
import CuereelShare from 'c/cuereelShare';
import { clear, clipboard, find, place, settled, text, until } from './setting';

const URL = 'https://video.example.org/v/abc';
const PICTURE = `${URL}/poster.jpg`;

afterEach(clear);

function share(more = {}) {
    return place('c-cuereel-share', CuereelShare, { url: URL, thumbnail: PICTURE, name: 'Ana', ...more });
}

async function press(element, what) {
    find(element, `[data-copy="${what}"]`).dispatchEvent(new CustomEvent('click'));
    await until(() => text(element, '[role="status"]'));
}

/** Answers `execCommand('copy')` as a browser does: with an event that may be filled. */
function olderBrowser({ allows = true } = {}) {
    const kept = {};
    document.execCommand = jest.fn(() => {
        if (!allows) {
            return false;
        }
        const event = new CustomEvent('copy', { bubbles: true, cancelable: true });
        event.clipboardData = { setData: (type, value) => Object.assign(kept, { [type]: value }) };
        document.body.dispatchEvent(event);
        return true;
    });
    return kept;
}

test('the link is copied as it is, and that is said', async () => {
    const kept = clipboard();
    const element = share();
    await press(element, 'link');
    expect(kept).toEqual({ 'text/plain': URL });
    expect(text(element, '[role="status"]')).toBe('Link copied.');
});

test('for an e-mail the picture with its link is copied, and words for what takes no HTML', async () => {
    const kept = clipboard();
    const element = share();
    await press(element, 'email');
    expect(kept['text/plain']).toBe(`A video for Ana: ${URL}`);
    expect(kept['text/html']).toContain(`<a href="${URL}"`);
    expect(kept['text/html']).toContain(`<img src="${PICTURE}"`);
    expect(text(element, '[role="status"]')).toContain('Paste it');
});

test('a browser without the newer clipboard copies both as well', async () => {
    const kept = olderBrowser();
    await press(share(), 'email');
    expect(Object.keys(kept).sort()).toEqual(['text/html', 'text/plain']);
});

test('a page that may not use the newer clipboard falls back', async () => {
    clipboard();
    navigator.clipboard.write = () => Promise.reject(new Error('NotAllowedError'));
    const kept = olderBrowser();
    await press(share(), 'link');
    expect(kept).toEqual({ 'text/plain': URL });
});

test('where nothing may be copied, nothing is said to be', async () => {
    olderBrowser({ allows: false });
    const element = share();
    await press(element, 'link');
    expect(text(element, '[role="status"]')).toBe('The browser did not allow it to be copied.');
});

test('pictures and links have names for those who do not see them', () => {
    const element = share();
    expect(find(element, 'img').alt).toBe('First picture of the video for Ana');
    expect(find(element, 'a[aria-label]').getAttribute('aria-label')).toBe('Open the video for Ana');
    expect(find(element, 'a').rel).toBe('noopener');
});

test('a picture that does not load leaves no hole', async () => {
    const element = share();
    find(element, 'img').dispatchEvent(new CustomEvent('error'));
    await settled();
    expect(find(element, 'img')).toBeNull();
    expect(find(element, '[data-copy="link"]')).not.toBeNull();
});

test('without a picture there is the link', () => {
    const element = share({ thumbnail: '', name: '' });
    expect(find(element, 'img')).toBeNull();
    expect(find(element, 'a').href).toBe(URL);
});

/** The piece of e-mail: what a mail program shows, and what a hostile record cannot do. */
import { emailHtml, emailText } from '../force-app/main/default/lwc/cuereelShare/email';

const VIDEO = {
    url: 'https://video.example.org/v/abc',
    thumbnail: 'https://video.example.org/v/abc/poster.jpg',
    name: 'Ana'
};

function parsed(video) {
    return new DOMParser().parseFromString(emailHtml(video), 'text/html');
}

test('the picture has a fixed width, words for it, and the link around it', () => {
    const page = parsed(VIDEO);
    const image = page.querySelector('table[width="480"] a > img');
    expect(image.getAttribute('src')).toBe(VIDEO.thumbnail);
    expect(image.getAttribute('width')).toBe('480');
    expect(image.getAttribute('alt')).toBe('A video for Ana');
    expect([...page.querySelectorAll('a')].map((a) => a.getAttribute('href'))).toEqual([
        VIDEO.url,
        VIDEO.url
    ]);
});

test('without a picture it is the link alone', () => {
    const page = parsed({ ...VIDEO, thumbnail: '' });
    expect(page.querySelector('img')).toBeNull();
    expect(page.querySelectorAll('a')).toHaveLength(1);
});

test('a name cannot become part of the page', () => {
    const name = '"><img src=x onerror=alert(1)>';
    const page = parsed({ ...VIDEO, name });
    expect(page.querySelectorAll('img')).toHaveLength(1);
    expect(page.querySelector('img').alt).toBe(`A video for ${name}`);
    expect(page.querySelector('[onerror]')).toBeNull();
});

test('an address cannot leave its place either', () => {
    const url = 'https://video.example.org/v/"onclick="x\'<b>&';
    const link = parsed({ ...VIDEO, url, thumbnail: '' }).querySelector('a');
    expect(link.getAttribute('href')).toBe(url);
    expect(link.hasAttribute('onclick')).toBe(false);
});

test.each([
    ['Ana', `A video for Ana: ${VIDEO.url}`],
    ['', `A video for you: ${VIDEO.url}`],
    [undefined, `A video for you: ${VIDEO.url}`],
    ['Ana\r\nBcc: all', `A video for Ana Bcc: all: ${VIDEO.url}`]
])('as plain text it is one line, for %j', (name, line) => {
    expect(emailText({ ...VIDEO, name })).toBe(line);
});

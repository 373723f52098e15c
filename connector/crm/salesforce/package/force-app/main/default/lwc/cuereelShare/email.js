/**
 * A video as a piece of an e-mail: its picture with a link around it, and the same as plain text.
 *
 * A table of a fixed width that shrinks, with sizes as attributes, because mail programs drop style
 * sheets. Everything that is not ours is escaped.
 */

const WIDTH = 480; // pixels, as on our own pages for reps; the picture has more than twice as many
const SIGNS = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Return the HTML; without a thumbnail it is the link alone. */
export function emailHtml({ url, thumbnail, name }) {
    const link = escaped(url);
    const rows = [line(link)];
    if (thumbnail) {
        rows.unshift(picture(link, escaped(thumbnail), escaped(titleOf(name))));
    }
    return (
        `<table role="presentation" width="${WIDTH}" cellpadding="0" cellspacing="0" border="0"` +
        ` style="width:100%;max-width:${WIDTH}px">${rows.join('')}</table>`
    );
}

/** Return the same for an e-mail without HTML. */
export function emailText({ url, name }) {
    return `${titleOf(name)}: ${url}`;
}

function picture(link, thumbnail, title) {
    return (
        `<tr><td><a href="${link}" target="_blank" rel="noopener"><img src="${thumbnail}"` +
        ` width="${WIDTH}" alt="${title}" border="0"` +
        ` style="display:block;width:100%;max-width:${WIDTH}px;height:auto;border:0;border-radius:8px">` +
        '</a></td></tr>'
    );
}

function line(link) {
    return (
        '<tr><td style="padding-top:8px;font:16px/24px Arial,Helvetica,sans-serif">' +
        `<a href="${link}" target="_blank" rel="noopener">&#9654; Watch the video</a></td></tr>`
    );
}

function titleOf(name) {
    // a name with a line break could pretend to be another line of the e-mail
    const plain = (name ?? '').split(/\s+/).join(' ').trim();
    return plain ? `A video for ${plain}` : 'A video for you';
}

function escaped(text) {
    return String(text).replace(/[&<>"']/g, (sign) => SIGNS[sign]);
}

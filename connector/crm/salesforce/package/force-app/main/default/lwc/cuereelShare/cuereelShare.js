/**
 * A video to be sent: its picture, its link, and buttons that copy it for an e-mail.
 */
import { LightningElement, api } from 'lwc';
import { copy } from './clipboard';
import { emailHtml, emailText } from './email';

export default class CuereelShare extends LightningElement {
    @api url;
    @api thumbnail;
    @api name;

    told = '';
    broken = '';

    get picture() {
        return this.thumbnail && this.thumbnail !== this.broken ? this.thumbnail : '';
    }

    get pictureText() {
        return this.name ? `First picture of the video for ${this.name}` : 'First picture of the video';
    }

    get openText() {
        return this.name ? `Open the video for ${this.name}` : 'Open the video';
    }

    handleBroken() {
        // one that is not there yet, or whose address the org does not trust, is left out
        this.broken = this.thumbnail;
    }

    handleCopyLink() {
        return this.copied({ 'text/plain': this.url }, 'Link copied.');
    }

    handleCopyEmail() {
        const video = { url: this.url, thumbnail: this.thumbnail, name: this.name };
        return this.copied(
            { 'text/html': emailHtml(video), 'text/plain': emailText(video) },
            'Copied. Paste it into your e-mail.'
        );
    }

    async copied(parts, sentence) {
        this.told = '';
        try {
            await copy(parts);
            this.told = sentence;
        } catch (error) {
            this.told = error.message;
        }
    }
}

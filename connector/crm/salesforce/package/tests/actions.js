/** Stands in for `lightning/actions`, of which the testing tools have no stub. */
export class CloseActionScreenEvent extends CustomEvent {
    constructor() {
        super('lightning__actionsclosescreen', { bubbles: true, composed: true });
    }
}

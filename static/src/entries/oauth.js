// Back from a bank's own page.
import { connectOauth } from "../behaviors/oauth.js";
import { wirePage } from "../behaviors/wire.js";

wirePage({ oauth: connectOauth });

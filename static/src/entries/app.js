// Every page: menus, password fields, the time zone of the sign-up form.
import { connectMenu } from "../behaviors/menu.js";
import { connectPassword } from "../behaviors/password.js";
import { connectTimezone } from "../behaviors/timezone.js";
import { wirePage } from "../behaviors/wire.js";

wirePage({ menu: connectMenu, password: connectPassword, timezone: connectTimezone });

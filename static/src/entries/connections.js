// The page of connections: reconnecting, linking anew, deleting.
import { connectConnections } from "../behaviors/connections.js";
import { connectDelete } from "../behaviors/delete.js";
import { connectLink } from "../behaviors/link.js";
import { connectReconnect } from "../behaviors/reconnect.js";
import { wirePage } from "../behaviors/wire.js";

wirePage({ connections: connectConnections, delete: connectDelete, link: connectLink, reconnect: connectReconnect });

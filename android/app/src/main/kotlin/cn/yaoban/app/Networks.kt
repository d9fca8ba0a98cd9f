package cn.yaoban.app

import android.content.Context
import android.net.ConnectivityManager
import android.net.Network
import android.net.NetworkCapabilities
import cn.yaoban.core.NetworkKind
import kotlinx.coroutines.channels.awaitClose
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.callbackFlow
import kotlinx.coroutines.flow.distinctUntilChanged

/** Which network the phone is on, for the core's rules on recordings. */
object Networks {
    /** Now. */
    fun now(context: Context): NetworkKind {
        val manager = context.getSystemService(ConnectivityManager::class.java)
        return manager.getNetworkCapabilities(manager.activeNetwork)?.let(::kindOf) ?: NetworkKind.NONE
    }

    /** Now and whenever it changes. */
    fun followed(context: Context): Flow<NetworkKind> =
        callbackFlow {
            val manager = context.getSystemService(ConnectivityManager::class.java)
            val callback =
                object : ConnectivityManager.NetworkCallback() {
                    override fun onCapabilitiesChanged(
                        network: Network,
                        capabilities: NetworkCapabilities,
                    ) {
                        trySend(kindOf(capabilities))
                    }

                    override fun onLost(network: Network) {
                        trySend(NetworkKind.NONE)
                    }
                }
            trySend(now(context))
            manager.registerDefaultNetworkCallback(callback)
            awaitClose { manager.unregisterNetworkCallback(callback) }
        }.distinctUntilChanged()

    private fun kindOf(capabilities: NetworkCapabilities): NetworkKind {
        val free = capabilities.hasCapability(NetworkCapabilities.NET_CAPABILITY_NOT_METERED)
        return if (free) NetworkKind.WIFI else NetworkKind.METERED
    }
}
